// Package auth makes and checks credentials and says whose they are, and it seals the audit.
//
// It imports domain, golang-jwt and x/crypto. It decides only whether a token is genuine and for whom it was made; whether that apikey or user
// still exists is the service's question. Tokens are derived from a row and a secret and are stored nowhere.
package auth
