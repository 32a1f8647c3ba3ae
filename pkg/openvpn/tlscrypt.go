package openvpn

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// The sizes of tls-crypt-v2, in bytes (OpenVPN, doc/tls-crypt-v2.txt; tls_crypt.h).
const (
	serverKeyBytes = 128
	tagBytes       = sha256.Size
	lengthBytes    = 2
	maxWrapped     = 1024

	// MaxMetadata is how many bytes a client's key may carry, besides their type.
	MaxMetadata = maxWrapped - tagBytes - staticKeyBytes - lengthBytes - 1
)

const (
	serverKeyType = "OpenVPN tls-crypt-v2 server key"
	clientKeyType = "OpenVPN tls-crypt-v2 client key"
)

// MetadataType says what the metadata of a client's key is.
type MetadataType byte

// The types of metadata.
const (
	MetadataUser      MetadataType = 0 // whatever the maker of the key wants
	MetadataTimestamp MetadataType = 1 // when the key was made: seconds since 1970, 8 bytes, for tls-crypt-v2-max-age
)

// Metadata is what a server learns of a client from its key, before TLS begins.
type Metadata struct {
	Type MetadataType
	Data []byte // at most MaxMetadata bytes
}

// ErrMetadata reports metadata that no key can carry.
var ErrMetadata = fmt.Errorf("openvpn: metadata may have %d bytes", MaxMetadata)

// ErrWrapped reports a client's key that was not made with this server's key, or was changed.
var ErrWrapped = errors.New("openvpn: the key is not of this server")

// TLSCryptServerKey is a server's key of tls-crypt-v2. Servers that share clients share it. Whoever
// has it can make keys for clients, and read those of all clients.
type TLSCryptServerKey [serverKeyBytes]byte

// NewTLSCryptServerKey returns a random key.
func NewTLSCryptServerKey() TLSCryptServerKey {
	var k TLSCryptServerKey
	rand.Read(k[:])
	return k
}

// ParseTLSCryptServerKey reads the file of a key, as openvpn --genkey tls-crypt-v2-server writes
// it. The error is [ErrKey].
func ParseTLSCryptServerKey(text []byte) (TLSCryptServerKey, error) {
	key, ok := decodeKey(text, serverKeyType)
	if !ok || len(key) != serverKeyBytes {
		return TLSCryptServerKey{}, ErrKey
	}
	return TLSCryptServerKey(key), nil
}

// Text is the file of the key, which is a secret.
func (k TLSCryptServerKey) Text() string { return encodeKey(serverKeyType, k[:]) }

// String keeps the key out of messages.
func (k TLSCryptServerKey) String() string { return redacted }

// GoString keeps the key out of messages.
func (k TLSCryptServerKey) GoString() string { return redacted }

// LogValue keeps the key out of logs.
func (k TLSCryptServerKey) LogValue() slog.Value { return slog.StringValue(redacted) }

// cipherKey and digestKey are the parts that are used: half of each half.
func (k TLSCryptServerKey) cipherKey() []byte { return k[:32] }
func (k TLSCryptServerKey) digestKey() []byte { return k[64:96] }

// TLSCryptClientKey is a client's key of tls-crypt-v2: a key of its own, and the same wrapped for
// the server, which keeps nothing of it.
type TLSCryptClientKey struct {
	Key     StaticKey
	Wrapped []byte
}

// NewClientKey makes a random key for a client. The error is [ErrMetadata].
func (k TLSCryptServerKey) NewClientKey(metadata Metadata) (TLSCryptClientKey, error) {
	key := NewStaticKey()
	wrapped, err := k.wrap(key, metadata)
	return TLSCryptClientKey{key, wrapped}, err
}

// wrap returns T || AES-256-CTR(key || metadata) || length, where T is a digest of the rest, and
// its first half the counter.
func (k TLSCryptServerKey) wrap(key StaticKey, metadata Metadata) ([]byte, error) {
	if len(metadata.Data) > MaxMetadata {
		return nil, ErrMetadata
	}
	plain := slices.Concat(key[:], []byte{byte(metadata.Type)}, metadata.Data)
	length := binary.BigEndian.AppendUint16(nil, uint16(tagBytes+len(plain)+lengthBytes))
	tag := k.tag(length, plain)
	return slices.Concat(tag, k.crypt(tag, plain), length), nil
}

// Unwrap returns what a server learns of a wrapped key. The error is [ErrWrapped].
func (k TLSCryptServerKey) Unwrap(wrapped []byte) (StaticKey, Metadata, error) {
	if len(wrapped) > maxWrapped || len(wrapped) < tagBytes+staticKeyBytes+lengthBytes+1 {
		return StaticKey{}, Metadata{}, ErrWrapped
	}
	end := len(wrapped) - lengthBytes
	tag, secret, length := wrapped[:tagBytes], wrapped[tagBytes:end], wrapped[end:]
	plain := k.crypt(tag, secret)
	if int(binary.BigEndian.Uint16(length)) != len(wrapped) || !hmac.Equal(tag, k.tag(length, plain)) {
		return StaticKey{}, Metadata{}, ErrWrapped
	}
	metadata := Metadata{MetadataType(plain[staticKeyBytes]), plain[staticKeyBytes+1:]}
	return StaticKey(plain[:staticKeyBytes]), metadata, nil
}

func (k TLSCryptServerKey) tag(length, plain []byte) []byte {
	digest := hmac.New(sha256.New, k.digestKey())
	digest.Write(length)
	digest.Write(plain)
	return digest.Sum(nil)
}

func (k TLSCryptServerKey) crypt(tag, text []byte) []byte {
	block, err := aes.NewCipher(k.cipherKey())
	if err != nil {
		panic(err) // the length of the key is constant
	}
	out := make([]byte, len(text))
	cipher.NewCTR(block, tag[:aes.BlockSize]).XORKeyStream(out, text)
	return out
}

// ParseTLSCryptClientKey reads the file of a client's key. The error is [ErrKey].
func ParseTLSCryptClientKey(text []byte) (TLSCryptClientKey, error) {
	key, ok := decodeKey(text, clientKeyType)
	if !ok || len(key) <= staticKeyBytes || len(key) > staticKeyBytes+maxWrapped {
		return TLSCryptClientKey{}, ErrKey
	}
	return TLSCryptClientKey{StaticKey(key[:staticKeyBytes]), key[staticKeyBytes:]}, nil
}

// Text is the file of the key, which is a secret.
func (c TLSCryptClientKey) Text() string {
	return encodeKey(clientKeyType, slices.Concat(c.Key[:], c.Wrapped))
}

// Timestamp is the metadata of a key that is made at a time.
func Timestamp(made time.Time) Metadata {
	return Metadata{MetadataTimestamp, binary.BigEndian.AppendUint64(nil, uint64(made.Unix()))}
}

func encodeKey(kind string, key []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: key}))
}

// decodeKey reads a text that has one block of PEM and nothing else that looks like one.
func decodeKey(text []byte, kind string) ([]byte, bool) {
	blocks, err := decode("key", text)
	if err != nil || len(blocks) != 1 || blocks[0].Type != kind || len(blocks[0].Headers) > 0 {
		return nil, false
	}
	return blocks[0].Bytes, true
}
