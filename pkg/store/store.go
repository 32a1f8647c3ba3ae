package store

import (
	"context"
	"database/sql"
	"errors"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Engine is the kind of database.
type Engine string

// The engines.
const (
	Postgres Engine = "postgres"
	SQLite   Engine = "sqlite"
)

// Store implements domain.Store. Outside a transaction reads and writes go to different connections with SQLite;
// inside both are the transaction.
type Store struct {
	engine Engine
	write  *gorm.DB
	read   *gorm.DB
	inTx   bool
	close  func() error
}

var _ domain.Store = (*Store)(nil)

// errNested is the answer to a transaction inside a transaction.
var errNested = errors.New("store: Transact was called on a store already in a transaction")

// Engine returns the kind of database.
func (s *Store) Engine() Engine { return s.engine }

// Close closes all connections.
func (s *Store) Close() error { return s.close() }

// Ping checks that the database answers.
func (s *Store) Ping(ctx context.Context) error {
	db, err := s.read.DB()
	if err != nil {
		return err
	}
	return db.PingContext(ctx)
}

// SQL returns the connections that write, for the migrations.
func (s *Store) SQL() (*sql.DB, error) { return s.write.DB() }

// Transact implements domain.Store.
func (s *Store) Transact(ctx context.Context, fn func(tx domain.Store) error) error {
	if s.inTx {
		return errNested
	}
	return s.write.WithContext(ctx).Transaction(func(db *gorm.DB) error {
		return fn(&Store{engine: s.engine, write: db, read: db, inTx: true})
	})
}

// CAs implements domain.Store.
func (s *Store) CAs() domain.CAs { return cas{s} }

// Clients implements domain.Store.
func (s *Store) Clients() domain.Clients { return clients{s} }

// Certificates implements domain.Store.
func (s *Store) Certificates() domain.Certificates { return certificates{s} }

// Revocations implements domain.Store.
func (s *Store) Revocations() domain.Revocations { return revocations{s} }

// CRLs implements domain.Store.
func (s *Store) CRLs() domain.CRLs { return crls{s} }

// APIKeys implements domain.Store.
func (s *Store) APIKeys() domain.APIKeys { return apikeys{s} }

// Secrets implements domain.Store.
func (s *Store) Secrets() domain.Secrets { return secrets{s} }
