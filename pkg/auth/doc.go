// Package auth makes and checks credentials and says whose they are, and it authenticates the
// audit.
//
// It imports domain, golang-jwt and x/crypto. It decides only whether a token is genuine and for
// whom it was made; the service checks whether that apikey or user still exists. Tokens are derived
// from a row and a secret, and are not stored.
package auth
