package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"

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

// Store implements domain.Store. Outside a transaction reads and writes go to different connections; inside both are the transaction.
type Store struct {
	engine      Engine
	write       *gorm.DB
	read        *gorm.DB
	turns       *atomic.Uint32 // of the audit's chains
	inTx        bool
	chain       *int        // of a transaction that has events: where they go
	path        string      // of an SQLite file
	file        os.FileInfo // what was there when it was opened
	pooled      bool        // PostgreSQL is reached through a pooler
	server      *serverExpression
	cachedNames *deviceNameCache
	madeNames   namesFound // of a transaction
	clock       *pgClock   // of PostgreSQL
	close       func() error
}

var _ domain.Store = (*Store)(nil)

func newStore(engine Engine, write, read *gorm.DB, closeAll func() error) *Store {
	s := &Store{engine: engine, write: write, read: read, turns: &atomic.Uint32{}, server: &serverExpression{}, cachedNames: &deviceNameCache{}, close: closeAll}
	s.turns.Store(rand.Uint32())
	return s
}

// reservedChain is the chain of the audit that only those are on who reserve it.
const reservedChain = domain.AuditChains - 1

// nextChain takes the other chains in turn: at one that another has just taken, its commit would have to be waited for. A transaction stays on one, or two
// transactions could wait for each other's.
func (s *Store) nextChain() int {
	if s.chain != nil {
		return *s.chain
	}
	chain := int(s.turns.Add(1) % reservedChain)
	if s.inTx {
		s.chain = &chain
	}
	return chain
}

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

// Transact implements domain.Store. A statement that failed dooms the transaction even if fn returns nil: PostgreSQL would not
// commit it, SQLite would.
func (s *Store) Transact(ctx context.Context, fn func(tx domain.Store) error) error {
	if s.inTx {
		return errNested
	}
	var names namesFound
	err := s.write.WithContext(ctx).Transaction(func(db *gorm.DB) error {
		var failed error
		db = db.Set(failureKey, &failed)
		tx := *s
		tx.write, tx.read, tx.inTx, tx.madeNames = db, db, true, namesFound{}
		if err := fn(&tx); err != nil {
			return err
		}
		if failed != nil {
			return fmt.Errorf("store: a statement of the transaction had failed: %w", failed)
		}
		names = tx.respelledNames()
		return errors.Join(tx.respell(ctx, names), s.Replaced())
	})
	if err == nil {
		s.cachedNames.put(names)
	}
	return err
}

// OneWriter implements domain.Store.
func (s *Store) OneWriter() bool { return s.engine == SQLite }

// Atomic implements domain.Store.
func (s *Store) Atomic(ctx context.Context, fn func(tx domain.Store) error) error {
	if s.inTx {
		return fn(s)
	}
	return s.Transact(ctx, fn)
}

func (s *Store) atomic(ctx context.Context, fn func(tx *Store) error) error {
	return s.Atomic(ctx, func(tx domain.Store) error { return fn(tx.(*Store)) })
}

// failureKey is where a transaction keeps the error of a failed statement.
const failureKey = "chaveiro:failure"

// watchFailures makes every statement report to its transaction that it failed.
func watchFailures(db *gorm.DB) error {
	report := func(db *gorm.DB) { noteFailure(db, db.Error) }
	on, name := db.Callback(), failureKey
	return errors.Join(
		on.Create().After("gorm:create").Register(name, report),
		on.Query().After("gorm:query").Register(name, report),
		on.Row().After("gorm:row").Register(name, report),
		on.Raw().After("gorm:raw").Register(name, report),
		on.Update().After("gorm:update").Register(name, report),
		on.Delete().After("gorm:delete").Register(name, report),
	)
}

func noteFailure(db *gorm.DB, err error) {
	if kept, ok := db.Get(failureKey); ok && err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
		*kept.(*error) = err
	}
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

// Users implements domain.Store.
func (s *Store) Users() domain.Users { return users{s} }

// Roles implements domain.Store.
func (s *Store) Roles() domain.Roles { return roles{s} }

// AccessControl implements domain.Store.
func (s *Store) AccessControl() domain.AccessControl { return accessControl{s} }

// SigningKeys implements domain.Store.
func (s *Store) SigningKeys() domain.SigningKeys { return signingKeys{s} }

// Throttles implements domain.Store.
func (s *Store) Throttles() domain.Throttles { return throttles{s} }

// Audit implements domain.Store.
func (s *Store) Audit() domain.Audit { return audit{s} }

// Devices implements domain.Store.
func (s *Store) Devices() domain.Devices { return devices{s} }

// DeviceDomains implements domain.Store.
func (s *Store) DeviceDomains() domain.DeviceDomains { return deviceDomains{s} }

// DeviceImports implements domain.Store.
func (s *Store) DeviceImports() domain.DeviceImports { return deviceImports{s} }

// Applications implements domain.Store.
func (s *Store) Applications() domain.Applications { return applications{s} }

// PAMAuthorizations implements domain.Store.
func (s *Store) PAMAuthorizations() domain.PAMAuthorizations { return authorizations{s} }

// Nonces implements domain.Store.
func (s *Store) Nonces() domain.Nonces { return nonces{s} }

// Secrets implements domain.Store.
func (s *Store) Secrets() domain.Secrets { return secrets{s} }

// Histories implements domain.Store.
func (s *Store) Histories() domain.Histories { return histories{s} }

// Forget implements domain.Store.
func (s *Store) Forget() { s.cachedNames.forget() }
