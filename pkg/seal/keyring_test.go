package seal_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/chaveiro/chaveiro/pkg/seal"
)

func TestKeyring_SealedSecretsOpenOnlyUnaltered(t *testing.T) {
	t.Parallel()
	keyring, text := seal.GenerateKeyring()
	again, err := seal.ParseKeyring(text)
	if err != nil {
		t.Fatal(err)
	}
	stranger, _ := seal.GenerateKeyring()
	rapid.Check(t, func(t *rapid.T) {
		plaintext := rapid.SliceOf(rapid.Byte()).Draw(t, "plaintext")
		where := rapid.String().Draw(t, "context")
		blob := keyring.Seal(plaintext, where)
		if len(blob) != 5+12+len(plaintext)+16 || blob[0] != 1 {
			t.Fatalf("blob is %x", blob)
		}
		if got, err := again.Open(blob, where); err != nil || !bytes.Equal(got, plaintext) {
			t.Fatalf("opened %x, %v", got, err)
		}
		if _, err := again.Open(blob, where+"x"); err == nil {
			t.Fatal("another context opens it")
		}
		if _, err := stranger.Open(blob, where); err == nil {
			t.Fatal("another key opens it")
		}
		bit := rapid.IntRange(0, 8*len(blob)-1).Draw(t, "bit")
		altered := bytes.Clone(blob)
		altered[bit/8] ^= 1 << (bit % 8)
		if _, err := again.Open(altered, where); err == nil {
			t.Fatalf("bit %d does not matter", bit)
		}
		if _, err := again.Open(blob[:rapid.IntRange(0, len(blob)-1).Draw(t, "length")], where); err == nil {
			t.Fatal("a cut one opens")
		}
	})
}

func TestKeyring_Rotation(t *testing.T) {
	t.Parallel()
	first, second := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	old, err := seal.NewKeyring(map[uint32][]byte{1: first})
	if err != nil {
		t.Fatal(err)
	}
	both, err := seal.NewKeyring(map[uint32][]byte{7: second, 1: first})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := both.Open(old.Seal([]byte("secret"), "row"), "row"); err != nil || string(got) != "secret" {
		t.Errorf("the old version: %q, %v", got, err)
	}
	if both.Version() != 7 {
		t.Errorf("version %d seals", both.Version())
	}
	_, err = old.Open(both.Seal(nil, "row"), "row")
	wantError(t, err, seal.ErrUnknownKeyVersion)
	_, err = old.Open(nil, "row")
	wantError(t, err, seal.ErrSealed)
}

func TestParseKeyring(t *testing.T) {
	t.Parallel()
	secret := bytes.Repeat([]byte("K7"), 16)
	key := base64.StdEncoding.EncodeToString(secret)
	good, err := seal.ParseKeyring([]byte("# keys\r\n\r\n 1:" + key + "\r\n\t3: " + key + " \n"))
	if err != nil || good.Version() != 3 {
		t.Errorf("%v, %v", good, err)
	}
	for _, text := range []string{
		"", "# nothing\n", key, "1:" + key + "\n1:" + key, "0:" + key, "-1:" + key, "4294967296:" + key,
		key + ":1", "1:" + key[:40], "1:" + key + key, "1:" + strings.Replace(key, "S", "*", 1), "1 " + key,
		"1:" + key + "\n2:", strings.Repeat("#\n", 40_000),
	} {
		_, err := seal.ParseKeyring([]byte(text))
		wantError(t, err, seal.ErrMalformed)
		if err != nil && strings.Contains(err.Error(), key[:8]) {
			t.Errorf("the error quotes the key: %v", err)
		}
	}
	_, err = seal.NewKeyring(map[uint32][]byte{0: secret})
	wantError(t, err, seal.ErrMalformed)
	_, err = seal.NewKeyring(map[uint32][]byte{1: secret[:16]})
	wantError(t, err, seal.ErrMalformed)
}

func TestKeyring_IsNeverPrinted(t *testing.T) {
	t.Parallel()
	secret := bytes.Repeat([]byte("K7"), 16)
	keyring, err := seal.NewKeyring(map[uint32][]byte{5: secret})
	if err != nil {
		t.Fatal(err)
	}
	const want = "keyring(version 5 of 1)"
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		for _, value := range []any{keyring, *keyring} {
			if got := fmt.Sprintf(verb, value); got != want {
				t.Errorf("%s prints %s", verb, got)
			}
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("started", "keyring", keyring)
	if !strings.Contains(log.String(), want) {
		t.Errorf("the log is %s", log.String())
	}
}

func TestKeyring_Fingerprints(t *testing.T) {
	t.Parallel()
	one, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	both, err := seal.NewKeyring(map[uint32][]byte{1: one, 2: other})
	if err != nil {
		t.Fatal(err)
	}
	moved, err := seal.NewKeyring(map[uint32][]byte{7: one})
	if err != nil {
		t.Fatal(err)
	}
	prints := both.Fingerprints()
	if len(prints) != 2 || prints[1] == prints[2] || len(prints[1]) != 16 || moved.Fingerprints()[7] != prints[1] {
		t.Errorf("fingerprints %v and %v", prints, moved.Fingerprints())
	}
	prints[1] = "altered"
	if both.Fingerprints()[1] == "altered" {
		t.Error("the map is the keyring's own")
	}
}

func wantError(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error is %v, want %v", err, want)
	}
}
