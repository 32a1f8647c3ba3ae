package store

import (
	"context"
	"database/sql"
	"io/fs"
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

// Store implements domain.Store. Outside a transaction reads and writes use different connections;
// inside, both use that of the transaction.
type Store struct {
	engine      Engine
	write       *gorm.DB
	read        *gorm.DB
	turns       *atomic.Uint32 // counts how often a chain of the audit was taken
	inTx        bool
	rehearsed   bool        // see Rehearse
	chain       *int        // of the events of this transaction; nil: none was taken
	path        string      // of the SQLite file
	location    string      // of PostgreSQL
	standby     *standby    // that lists are read from; nil: none
	files       fs.FS       // migrations; nil: those of the program
	file        os.FileInfo // what path led to when the file was opened
	pooled      bool        // PostgreSQL is reached through a pooler
	server      *serverExpression
	cachedNames *deviceNameCache
	madeNames   namesFound // the names that this transaction has read or created
	clock       *pgClock   // of the server; nil on SQLite
	seen        *observer
	close       func() error
}

var _ domain.Store = (*Store)(nil)

func newStore(engine Engine, seen *observer, write, read *gorm.DB, closeAll func() error) *Store {
	s := &Store{
		engine: engine, seen: seen, write: write, read: read, turns: &atomic.Uint32{}, server: &serverExpression{},
		cachedNames: &deviceNameCache{}, close: closeAll,
	}
	s.turns.Store(rand.Uint32())
	return s
}

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

// SQL returns the connections that write, for statements that do not go through GORM.
func (s *Store) SQL() (*sql.DB, error) { return s.write.DB() }

// CAs implements domain.Store.
func (s *Store) CAs() domain.CAs { return cas{of(s, &caTable)} }

// Clients implements domain.Store.
func (s *Store) Clients() domain.Clients { return clients{of(s, &clientTable)} }

// Certificates implements domain.Store.
func (s *Store) Certificates() domain.Certificates { return certificates{s} }

// Revocations implements domain.Store.
func (s *Store) Revocations() domain.Revocations { return revocations{s} }

// CRLs implements domain.Store.
func (s *Store) CRLs() domain.CRLs { return crls{s} }

// InstanceModels implements domain.Store.
func (s *Store) InstanceModels() domain.InstanceModels { return of(s, &instanceModelTable) }

// Instances implements domain.Store.
func (s *Store) Instances() domain.Instances { return instances{of(s, &instanceTable)} }

// Networks implements domain.Store.
func (s *Store) Networks() domain.Networks { return networks{s} }

// ClientConfigs implements domain.Store.
func (s *Store) ClientConfigs() domain.ClientConfigs { return clientConfigs{s} }

// APIKeys implements domain.Store.
func (s *Store) APIKeys() domain.APIKeys { return apikeys{holdersOf(s, &apikeyTable, &apikeyRoles)} }

// Users implements domain.Store.
func (s *Store) Users() domain.Users { return users{holdersOf(s, &userTable, &userRoles)} }

// Roles implements domain.Store.
func (s *Store) Roles() domain.Roles { return roles{of(s, &roleTable)} }

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
func (s *Store) DeviceDomains() domain.DeviceDomains { return deviceDomains{of(s, &deviceDomainTable)} }

// DeviceImports implements domain.Store.
func (s *Store) DeviceImports() domain.DeviceImports { return deviceImports{s} }

// Applications implements domain.Store.
func (s *Store) Applications() domain.Applications { return of(s, &applicationTable) }

// PAMAuthorizations implements domain.Store.
func (s *Store) PAMAuthorizations() domain.PAMAuthorizations {
	return authorizations{of(s, &authorizationTable)}
}

// Nonces implements domain.Store.
func (s *Store) Nonces() domain.Nonces { return nonces{s} }

// RequestKeys implements domain.Store.
func (s *Store) RequestKeys() domain.RequestKeys { return requestKeys{s} }

// Secrets implements domain.Store.
func (s *Store) Secrets() domain.Secrets { return secrets{s} }

// MasterKeys implements domain.Store.
func (s *Store) MasterKeys() domain.MasterKeys { return masterKeys{s} }

// SealedValues implements domain.Store.
func (s *Store) SealedValues() domain.SealedValues { return sealedValues{s} }

// Archive implements domain.Store.
func (s *Store) Archive() domain.Archive { return archive{s} }

// Censuses implements domain.Store.
func (s *Store) Censuses() domain.Censuses { return censuses{s} }

// OCSPResponders implements domain.Store.
func (s *Store) OCSPResponders() domain.OCSPResponders { return ocspResponders{s} }

// Enrolments implements domain.Store.
func (s *Store) Enrolments() domain.Enrolments { return enrolments{of(s, &enrolmentTable)} }

// Campaigns implements domain.Store.
func (s *Store) Campaigns() domain.Campaigns { return campaigns{of(s, &campaignTable)} }

// Agents implements domain.Store.
func (s *Store) Agents() domain.Agents { return agents{s} }

// TunnelSessions implements domain.Store.
func (s *Store) TunnelSessions() domain.TunnelSessions { return tunnelSessions{s} }

// Events implements domain.Store.
func (s *Store) Events() domain.Events { return events{s} }

// MailRecipients implements domain.Store.
func (s *Store) MailRecipients() domain.MailRecipients {
	return mailRecipients{of(s, &mailRecipientTable)}
}

// Webhooks implements domain.Store.
func (s *Store) Webhooks() domain.Webhooks { return webhooks{of(s, &webhookTable)} }

// WebhookDeliveries implements domain.Store.
func (s *Store) WebhookDeliveries() domain.WebhookDeliveries { return webhookDeliveries{s} }

// Leases implements domain.Store.
func (s *Store) Leases() domain.Leases { return leases{s} }

// Histories implements domain.Store.
func (s *Store) Histories() domain.Histories { return histories{s} }

// Forget implements domain.Store.
func (s *Store) Forget() {
	s.cachedNames.forget()
	if s.standby != nil {
		s.standby.store.cachedNames.forget()
	}
}
