package domain

import "context"

// Store keeps everything. Outside of Transact each call is a transaction of its own.
type Store interface {
	// Transact runs fn in one transaction; tx is valid only inside fn. An error of fn, or a panic, rolls back. Calling
	// Transact on tx is an error. Nothing slow happens inside: no signing, no key generation, no network.
	Transact(ctx context.Context, fn func(tx Store) error) error
	// Atomic runs fn in the transaction that this is, or else in one of its own.
	Atomic(ctx context.Context, fn func(tx Store) error) error
	// OneWriter reports whether nobody else can write, here or in another process, while a transaction does.
	OneWriter() bool

	CAs() CAs
	Clients() Clients
	Certificates() Certificates
	Revocations() Revocations
	CRLs() CRLs
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
	Secrets() Secrets
	Histories() Histories
	// Forget drops what is remembered of the database, which has another history now.
	Forget()
}

// Secrets keeps the service's own secrets, sealed under the master key.
type Secrets interface {
	// Any reports whether there is one: a database without has never been used.
	Any(ctx context.Context) (bool, error)
	// GetOrCreate returns the sealed secret of that name; the first caller's becomes it. Of callers at the same time, on any
	// replica, all get the same.
	GetOrCreate(ctx context.Context, name string, sealed []byte) ([]byte, error)
	// Get returns the sealed secret of that name. Errors: *Error with Missing.
	Get(ctx context.Context, name string) ([]byte, error)
	// Replace puts another in the place of a sealed secret, unless somebody else has done so meanwhile; it says whether it has.
	Replace(ctx context.Context, name string, before, after []byte) (bool, error)
}
