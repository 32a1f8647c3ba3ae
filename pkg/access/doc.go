// Package access decides who may do what: apikeys, users, roles, sessions and the keys that tokens
// are signed with.
//
// It imports domain, auth, seal, audit, history, bounded, turns and idempotency, and knows nothing
// of certificates. What is not obvious: a request is admitted by the cached state of this replica,
// which is a second old at most; a change is decided by the state of the database, which Callers
// reads again within the transaction.
package access
