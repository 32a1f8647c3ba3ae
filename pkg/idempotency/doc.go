// Package idempotency makes a request with an Idempotency-Key count once: a repeat of it, with the
// same key, by the same caller and within [domain.RequestKeyLife], gets what the first one gave.
//
// The result is kept in the transaction of the change, so there is never one without the other, on
// any replica and after any crash. A repeat that arrives while the first is still running does the
// work too, waits for the key in its own transaction, and gives that up for the kept result. A
// request that fails keeps nothing.
//
// It imports domain and seal.
package idempotency
