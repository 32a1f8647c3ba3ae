// Package domain is the vocabulary of Chaveiro: the resources with their rules, the errors that
// every layer uses, and the repositories that a store has to implement.
//
// It imports nothing of this module, and of others only tables: of Unicode, and of known passwords.
// It knows no HTTP, no SQL and no X.509: a certificate is DER to it. Every time in it is UTC with
// microseconds, the precision of both databases.
package domain
