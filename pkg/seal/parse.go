package seal

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// ParseKeyring reads a keyring file: a line "version:base64 of 32 bytes" for each key, beside blank
// lines and lines starting with #. It fails with [ErrMalformed]; the text of the error names the
// line and never quotes it.
func ParseKeyring(text []byte) (*Keyring, error) {
	if len(text) > maxKeyringBytes {
		return nil, fmt.Errorf("%w: a keyring of more than %d bytes", ErrMalformed, maxKeyringBytes)
	}
	keys := make(map[uint32][]byte)
	number := 0
	for line := range bytes.Lines(text) {
		number++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		version, key, err := parseKeyLine(string(line))
		if err != nil {
			return nil, fmt.Errorf("keyring line %d: %w", number, err)
		}
		if _, ok := keys[version]; ok {
			return nil, fmt.Errorf("keyring line %d: %w: this version is already there", number, ErrMalformed)
		}
		keys[version] = key
	}
	return NewKeyring(keys)
}

// parseKeyLine drops the causes of its errors: they quote their input.
func parseKeyLine(line string) (version uint32, key []byte, err error) {
	number, encoded, ok := strings.Cut(line, ":")
	if !ok {
		return 0, nil, fmt.Errorf("%w: not version:base64", ErrMalformed)
	}
	v, err := strconv.ParseUint(strings.TrimSpace(number), 10, 32)
	if err != nil || v == 0 {
		return 0, nil, fmt.Errorf("%w: the version is no number from 1 to 2^32-1", ErrMalformed)
	}
	key, err = base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(encoded))
	if err != nil || len(key) != masterKeyBytes {
		return 0, nil, fmt.Errorf("%w: the key is not the base64 of %d bytes", ErrMalformed, masterKeyBytes)
	}
	return uint32(v), key, nil
}

// GenerateKeyring makes a keyring with one random key, version 1, and the text
// from which [ParseKeyring] makes it again. The text is the secret.
func GenerateKeyring() (*Keyring, []byte) {
	text := GenerateLine(1)
	k, err := ParseKeyring(text)
	if err != nil {
		panic(err) // a key of the right length cannot fail
	}
	return k, text
}

// GenerateLine makes a random key of a version, as a line that [ParseKeyring] reads. It is secret.
func GenerateLine(version uint32) []byte {
	key := make([]byte, masterKeyBytes)
	rand.Read(key)
	return fmt.Appendf(nil, "%d:%s\n", version, base64.StdEncoding.EncodeToString(key))
}

// SplitLines returns the text of a keyring without the line of a version, and that line, which is
// nil if the keyring has no such version. Comments stay.
func SplitLines(text []byte, version uint32) (rest, line []byte) {
	for one := range bytes.Lines(text) {
		if found, _, err := parseKeyLine(string(bytes.TrimSpace(one))); err == nil && found == version {
			line = one
			continue
		}
		rest = append(rest, one...)
	}
	return rest, line
}
