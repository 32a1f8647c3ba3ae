package vault

import "github.com/chaveiro/chaveiro/pkg/seal"

// SealedEmpty returns what earlier releases have sealed for authorizations of the method none,
// which had no secrets then.
func SealedEmpty(keys *seal.Keyring, publicKey string) []byte {
	return sealSecrets(keys, publicKey, secretPair{})
}
