package ca

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
)

// Prove makes a key sign something and verifies the signature, for a key that is not in memory: the
// public half may be another one's, and the private half may not be allowed to sign. Errors: those
// of the signer; [ErrSelfCheck]; those of [AlgorithmOf].
func Prove(signer crypto.Signer) error {
	public := signer.Public()
	if _, err := AlgorithmOf(public); err != nil {
		return err
	}
	message := []byte("chaveiro proves a key " + rand.Text())
	authority := &Authority{Certificate: &x509.Certificate{PublicKey: public}, Signer: signer}
	_, err := authority.signMessage(message, signatureAlgorithm(public))
	return err
}
