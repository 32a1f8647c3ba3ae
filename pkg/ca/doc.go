// Package ca is the certificate authority: the profiles of the certificates
// this service issues, certificate revocation lists, and the strict reading of
// keys and certificates that users upload.
//
// It imports the standard library, golang.org/x/crypto and a PKCS#12 encoder,
// and knows neither HTTP nor SQL nor the rest of the service. It has no clock:
// every instant is an argument.
//
// What is not obvious: nothing leaves an [Authority] unverified. A certificate
// is parsed back and compared, field by field, with what was asked before the
// caller sees it, so a faulty signer or template can fail an issue but cannot
// put a wrong certificate into the world.
package ca
