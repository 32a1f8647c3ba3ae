package seal_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/seal"
)

func FuzzParseKeyring(f *testing.F) {
	_, text := seal.GenerateKeyring()
	f.Add(text)
	f.Add([]byte("# comment\n\n 2 : AAAA\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		keyring, err := seal.ParseKeyring(text)
		if err != nil {
			wantError(t, err, seal.ErrMalformed)
			return
		}
		if got, err := keyring.Open(keyring.Seal([]byte("x"), "c"), "c"); err != nil || string(got) != "x" {
			t.Errorf("opened %q, %v", got, err)
		}
	})
}

func FuzzKeyringOpen(f *testing.F) {
	keyring, err := seal.NewKeyring(map[uint32][]byte{1: []byte(strings.Repeat("k", 32))})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(keyring.Seal([]byte("secret"), "row"), "row")
	f.Add([]byte{1, 0, 0, 0, 1}, "row")
	f.Fuzz(func(t *testing.T, blob []byte, where string) {
		if _, err := keyring.Open(blob, where+"/elsewhere"); err == nil {
			t.Error("a blob of another context opens")
		} else if !errors.Is(err, seal.ErrSealed) && !errors.Is(err, seal.ErrUnknownKeyVersion) {
			t.Errorf("undocumented error %v", err)
		}
	})
}
