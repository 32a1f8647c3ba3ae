// Package pki has the use cases of certificates: CAs, the clients of OpenVPN, their keys, and
// revocation lists.
//
// It imports domain, ca, seal, audit, history, bounded, turns, csvfile, spans and idempotency, and
// knows nothing of access. What is not obvious is the order of issuing. The key is generated and
// the certificate signed before anything is stored. Then one transaction stores the client, the
// certificate and the sealed key, or those of many clients. Only then is the caller answered. So
// every certificate that a caller has seen is a row, and a crash leaves all or nothing.
package pki
