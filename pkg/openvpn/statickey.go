package openvpn

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"
)

const (
	staticKeyBytes = 256
	staticKeyBegin = "-----BEGIN OpenVPN Static key V1-----"
	staticKeyEnd   = "-----END OpenVPN Static key V1-----"
	staticKeyLine  = 16 // bytes of the key
)

// ErrKey reports a text that is not the key that it should be. It quotes nothing of it.
var ErrKey = errors.New("openvpn: the text is no such key")

// StaticKey is a key of tls-auth or tls-crypt, which a server shares with its clients: two keys of
// 1024 bits, one a direction, each for a cipher and a digest (OpenVPN manual, "genkey").
type StaticKey [staticKeyBytes]byte

// NewStaticKey returns a random key.
func NewStaticKey() StaticKey {
	var k StaticKey
	rand.Read(k[:])
	return k
}

// ParseStaticKey reads the file of a key, as openvpn --genkey secret writes it. Text before and
// behind the key is ignored. The error is [ErrKey].
func ParseStaticKey(text []byte) (StaticKey, error) {
	_, behind, begins := bytes.Cut(text, []byte(staticKeyBegin))
	digits, _, ends := bytes.Cut(behind, []byte(staticKeyEnd))
	key, err := hex.DecodeString(strings.Join(strings.Fields(string(digits)), ""))
	if !begins || !ends || err != nil || len(key) != staticKeyBytes {
		return StaticKey{}, ErrKey
	}
	return StaticKey(key), nil
}

// Text is the file of the key, which is a secret.
func (k StaticKey) Text() string {
	var b strings.Builder
	b.WriteString(staticKeyBegin + "\n")
	for line := k[:]; len(line) > 0; line = line[staticKeyLine:] {
		b.WriteString(hex.EncodeToString(line[:staticKeyLine]) + "\n")
	}
	b.WriteString(staticKeyEnd + "\n")
	return b.String()
}

const redacted = "(key)"

// String keeps the key out of messages.
func (k StaticKey) String() string { return redacted }

// GoString keeps the key out of messages.
func (k StaticKey) GoString() string { return redacted }

// LogValue keeps the key out of logs.
func (k StaticKey) LogValue() slog.Value { return slog.StringValue(redacted) }
