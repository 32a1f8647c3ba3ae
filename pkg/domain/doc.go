// Package domain is the vocabulary of Chaveiro: the resources with their rules, the errors every layer speaks,
// and the repositories that a store has to offer.
//
// It imports nothing of this module, and of others tables: of Unicode, and of passwords that are known. It knows no HTTP, no SQL and no X.509 bytes: a certificate is DER to it.
// Every time in it is UTC with microseconds, the precision both databases keep.
package domain
