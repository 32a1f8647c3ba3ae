package domain

import "context"

// Store keeps everything. pkg/store implements it on SQLite and on PostgreSQL; its conformance
// suite, pkg/store/storetest, tests both engines against this contract. The comment of each
// interface names the groups of the suite that test its contract, and what no group tests. The
// rules below apply to every method of every interface, unless its comment says otherwise.
//
// Transactions: a method may be called outside Transact and inside. Outside, each call is a
// transaction of its own: it is stored as a whole or not at all. A method that changes the database
// is called on the Store outside Transact, and on tx inside.
//
// Isolation: on SQLite a transaction sees one state of the database and its own writes, and no
// other transaction writes until it ends. On PostgreSQL each statement of a transaction sees what
// was committed before that statement began (READ COMMITTED): what a decision relies on has to be
// locked first, or read after AccessControl.Advance.
//
// Locks: a method that changes a row locks it, and a lock lasts until the transaction ends. On
// SQLite there is one lock, that of the only writer, which Transact takes when it begins. A read
// that locks nothing waits for no lock.
//
// Errors: a fault that the caller can be told about is an *Error, and the comments say which. Every
// other error is a fault of the database: the error of ctx when that has ended, *Unavailable when
// PostgreSQL can't be reached, and errors of the drivers. After *Unavailable or an ended ctx it is
// not known whether a change outside a transaction, or a commit, was done.
//
// A statement that the database refuses dooms its transaction: Transact does not commit, whatever
// fn returns. Duplicated, NotFound and Rule come from such statements, unless the comment of the
// method says otherwise. After such a statement PostgreSQL executes no further statement of the
// transaction; SQLite does, but to no effect. Missing, and a result of false, doom nothing.
//
// Values: callers validate before they store; the store checks no lengths, sizes or formats. Times
// are truncated to microseconds, and are read in UTC. An optional time that is zero is stored as
// none and read as zero. Texts and octets are stored as they are. PostgreSQL refuses a statement
// with a text that is not UTF-8 or has a NUL; lookups by name find nothing for such a text on
// either engine. Names are compared by NameKey.
//
// Ids: a method that creates ignores the ID of its argument and sets it. Ids ascend and are never
// reused. After an error or a rollback the ID must not be used. On PostgreSQL a row may be
// committed after one with a higher id; on SQLite it is not.
//
// The groups Transact, Deadlines, Texts, Times and NewIDs of the suite test these rules. No group
// tests the isolation of a transaction on PostgreSQL, *Unavailable, OneWriter, or that a read waits
// for no lock.
type Store interface {
	// Transact runs fn in one transaction, and commits when fn returns nil. An error of fn is
	// returned as it is. An error, a panic, an ended ctx or a refused statement rolls back. A panic
	// continues after the rollback.
	//
	// On PostgreSQL fn may run more than once, each time in a new transaction: when the server has
	// rolled back for the sake of others, also at the commit, and when the connection was lost
	// before the commit was sent. One run is committed at most. So fn sets whatever it leaves
	// outside of tx, and adds to nothing: what an earlier run has left is of no use. After a commit
	// whose connection was lost fn does not run again.
	//
	// Calling Transact on tx is an error that is no *Error, and fn is not run. tx is valid only
	// inside fn, and for one goroutine at a time. fn must change the database through tx alone: on
	// SQLite a change through the outer Store waits for the connection that fn itself holds.
	//
	// With a ctx that has a lease (see WithLease) fn runs only while that holds. Errors: also
	// ErrLeaseLost.
	//
	// Nothing slow may happen inside: no signing, no key generation, no network. On PostgreSQL a
	// statement may take 30 s, wait 10 s for a lock, and the transaction may be idle for 10 s,
	// unless the URL of the database, or behind a pooler its settings, say otherwise. On SQLite
	// Transact waits for the writer of this process until ctx ends, and for that of another process
	// up to 10 s.
	//
	// On PostgreSQL nothing is committed more than a second after the deadline of ctx, by the clock
	// of the server. Locks are taken in this order: AccessControl.Advance or Audit.Reserve first,
	// then rows, a client before its CA, then the chain of the audit (see Audit.Append). The key of
	// the request (see RequestKeys.Keep) may be taken at any time before the chain: only requests
	// with the same key wait for each other there. The group Deadlocks of the suite tests it.
	Transact(ctx context.Context, fn func(tx Store) error) error
	// Atomic runs fn in the transaction that this Store is, or else in a new one by Transact. In
	// the former case an error of fn is returned and rolls back nothing: the caller of Transact has
	// to return it as well.
	Atomic(ctx context.Context, fn func(tx Store) error) error
	// Stale runs fn to read what may be a little old, on a Store that is good for reading alone.
	// When fn fails there it is run once more, on this Store: what it has found before is of no use
	// then. See the function Stale. No group tests that a standby is read from.
	Stale(ctx context.Context, fn func(ctx context.Context, s Store) error) error
	// OneWriter reports whether a transaction excludes all other writers, in this process and in
	// others: true on SQLite, false on PostgreSQL. It does not query the database.
	OneWriter() bool

	// Each of these returns a repository of the Store, or of the transaction that the Store is.
	// They cost nothing and can't fail.
	CAs() CAs
	Clients() Clients
	Certificates() Certificates
	Revocations() Revocations
	CRLs() CRLs
	OCSPResponders() OCSPResponders
	Archive() Archive
	Censuses() Censuses
	InstanceModels() InstanceModels
	Networks() Networks
	ClientConfigs() ClientConfigs
	Instances() Instances
	APIKeys() APIKeys
	Users() Users
	Roles() Roles
	AccessControl() AccessControl
	SigningKeys() SigningKeys
	Throttles() Throttles
	Audit() Audit
	Devices() Devices
	DeviceDomains() DeviceDomains
	DeviceImports() DeviceImports
	Applications() Applications
	PAMAuthorizations() PAMAuthorizations
	Nonces() Nonces
	RequestKeys() RequestKeys
	Enrolments() Enrolments
	Campaigns() Campaigns
	Agents() Agents
	TunnelSessions() TunnelSessions
	Secrets() Secrets
	MasterKeys() MasterKeys
	SealedValues() SealedValues
	Histories() Histories
	Events() Events
	MailRecipients() MailRecipients
	Webhooks() Webhooks
	WebhookDeliveries() WebhookDeliveries
	Leases() Leases

	// Forget drops the caches of the Store, of the names of devices and their references, because
	// the database has another history now. It does not query the database. It may be called at any
	// time, also while other goroutines use the Store: the results of reads that began before are
	// not cached.
	Forget()
}

// Secrets keeps the service's own secrets, sealed under the master key, by their names. A secret is
// never removed.
//
// The group Secrets of the suite tests it. No group tests that Replace locks.
type Secrets interface {
	// Any reports whether there is a secret: a database without one has never been used.
	Any(ctx context.Context) (bool, error)
	// GetOrCreate returns the sealed secret of that name; when there is none it stores sealed and
	// returns that. Concurrent callers, on any replica, all get the same one. On PostgreSQL it
	// waits for a transaction that has just created the secret. Outside a transaction it is two
	// statements; the first decides.
	GetOrCreate(ctx context.Context, name string, sealed []byte) ([]byte, error)
	// Get returns the sealed secret of that name. Errors: Missing.
	Get(ctx context.Context, name string) ([]byte, error)
	// Replace replaces the secret before by after, and reports whether it did. It is false when the
	// stored secret is not before any more, or when there is none. It locks the secret: with after
	// equal to before it changes nothing and serves as a lock that one transaction at a time holds.
	// A transaction that also appends to the audit calls it first.
	Replace(ctx context.Context, name string, before, after []byte) (bool, error)
}
