package seal

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// A sealed blob is
//
//	format (1 byte, 1) | key version (4, big-endian) | nonce (12) | ciphertext and tag (n+16)
//
// encrypted with AES-256-GCM; the first five bytes and the context are its
// additional data.
const (
	sealFormat      = 1
	sealHeaderBytes = 5
)

// Header is what all blobs begin with that the key of a version has sealed.
func Header(version uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{sealFormat}, version)
}

// VersionOf returns the version of the key that a blob was sealed with; false if it is no blob.
func VersionOf(blob []byte) (uint32, bool) {
	if len(blob) < sealHeaderBytes || blob[0] != sealFormat {
		return 0, false
	}
	return binary.BigEndian.Uint32(blob[1:sealHeaderBytes]), true
}

// Seal encrypts plaintext for storage at the place that context names, such as
// "client/42/key"; only the same context opens it.
func (k *Keyring) Seal(plaintext []byte, context string) []byte {
	if sure := k.sealing.Load(); sure != nil {
		(*sure)()
	}
	r := k.ring.Load()
	aead, header := r.keys[r.version], Header(r.version)
	blob := append(make([]byte, 0, sealHeaderBytes+len(plaintext)+aead.Overhead()), header...)
	return aead.Seal(blob, nil, plaintext, additionalData(header, context))
}

// Open decrypts what [Keyring.Seal] made. It fails with
// [ErrUnknownKeyVersion], or with [ErrSealed] if the blob was altered or
// belongs to another context or key. A version that is not known makes it read
// the keys again, if [Keyring.OnUnknown] says how.
func (k *Keyring) Open(blob []byte, context string) ([]byte, error) {
	version, ok := VersionOf(blob)
	if !ok {
		return nil, fmt.Errorf("%w: unknown format", ErrSealed)
	}
	header, sealed := blob[:sealHeaderBytes], blob[sealHeaderBytes:]
	aead, ok := k.ring.Load().keys[version]
	if !ok && k.reread() {
		aead, ok = k.ring.Load().keys[version]
	}
	if !ok {
		return nil, unknownVersion(version)
	}
	plaintext, err := aead.Open(nil, nil, sealed, additionalData(header, context))
	if err != nil {
		return nil, ErrSealed
	}
	return plaintext, nil
}

// additionalData is unambiguous because the header has a fixed length.
func additionalData(header []byte, context string) []byte {
	return append(bytes.Clone(header), context...)
}
