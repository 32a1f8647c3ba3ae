// Package service builds the use cases and connects them: New builds them, Run runs their
// background tasks.
//
// It imports domain, ca, seal, auth, turns, history, idempotency, audit, pki, access, vault,
// tunnel, events, mail, mail/smtp, spans and census.
//
// What is not obvious: dependencies have one direction, and no field is assigned after
// construction. What several use cases share is built first, for example the caches that are
// emptied when the database has another history.
package service
