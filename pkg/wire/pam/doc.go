// Package pam speaks the dialect of the vault: devices under /iso/pam, with the alias /api/pam, and
// their access tokens.
//
// It imports gen/pam, domain, auth, service, audit, vault, spans, wire/form and wire/oas, and knows
// nothing of the other dialect. What is not obvious: a request is authenticated before its body is
// understood, because the signature of OAuth 1.0 covers the body of a form as it came.
package pam
