// Package ca is the certificate authority: the profiles of the certificates that this service
// issues, certificate revocation lists, and the strict reading of keys and certificates that users
// upload.
//
// It imports the standard library, golang.org/x/crypto and a PKCS#12 encoder, and knows neither
// HTTP nor SQL nor the rest of the service. It has no clock: every instant is an argument.
//
// What is not obvious: nothing leaves an [Authority] unverified. A certificate is parsed back and
// compared, field by field, with the request before the caller sees it. So a faulty signer or
// template makes the request fail, and a wrong certificate is never issued.
package ca
