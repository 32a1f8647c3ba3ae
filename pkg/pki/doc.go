// Package pki has the use cases of certificates: CAs, the clients of OpenVPN, their keys, and
// revocation lists.
//
// It imports domain, ca, seal, audit, history, bounded and turns, and knows nothing of access. What
// is not obvious is the order of issuing. A key is made and a certificate signed before anything is
// written; then one transaction stores client, certificate and sealed key; only then is the caller
// answered. So every certificate that anyone has seen is a row, and a crash leaves all or nothing.
package pki
