package openvpn

// Certificates returns the certificates in PEM text, encoded anew: what stands between the blocks
// is dropped, so that no line of it reaches a configuration. Text without a certificate, with a
// damaged block or with anything but certificates is an error, which names the field.
func Certificates(field string, text []byte) ([]byte, error) { return certificates(field, text) }

// PrivateKey returns the one private key in PEM text, encoded anew. An encrypted key stays
// encrypted (PKCS#8, RFC 5958, or the traditional form of RFC 1421, section 4.6.1). The error names
// the field and quotes no part of the key.
func PrivateKey(field string, text []byte) ([]byte, error) { return privateKey(field, text) }
