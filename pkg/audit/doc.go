// Package audit records who did what, proves that the record is whole, and removes what is too old.
//
// It imports domain, auth, bounded, turns and idempotency. What is not obvious: an event is
// appended by the transaction of its change, as the last statement, because the chain that it is
// appended to is locked until the commit. Appending also checks that the caller still has the
// rights that the change was allowed by; WhileAllowed reads them again when they have moved.
package audit
