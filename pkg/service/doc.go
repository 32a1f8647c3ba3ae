// Package service holds the use cases: one file a resource, a struct with what it needs.
//
// It imports domain, ca, seal, openvpn, auth, bounded and vault/devicefile, and knows no HTTP and no SQL. What is not obvious: the order of issuing. A key is made and a
// certificate signed before anything is written; then one transaction stores client, certificate and sealed key; only then is the
// caller answered. So every certificate that anyone has seen is a row, and a crash leaves all or nothing.
package service
