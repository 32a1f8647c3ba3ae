// Package transit keeps keys in the secrets engine Transit of OpenBao, or of HashiCorp Vault, which
// speaks the same. A store is transit:mount=transit?address=https://bao.example.com:8200 with
// token-source=file:/… besides, and a key has the attributes name and version.
//
// It imports kms alone.
//
// What is not obvious: a key of Transit has versions, and a rotation there makes another key. So
// the URI of the key of a CA says which version it is.
package transit
