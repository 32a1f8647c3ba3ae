package seal_test

import (
	"bytes"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/seal"
)

// ringOf is a keyring whose key of each version consists of one octet, by default the version.
func ringOf(t *testing.T, versions ...uint32) *seal.Keyring {
	t.Helper()
	keys := map[uint32][]byte{}
	for _, version := range versions {
		keys[version] = bytes.Repeat([]byte{byte(version)}, 32)
	}
	k, err := seal.NewKeyring(keys)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeyring_Use(t *testing.T) {
	t.Parallel()
	k := ringOf(t, 1, 2)
	if err := k.Use(1); err != nil || k.Version() != 1 || k.Newest() != 2 {
		t.Errorf("version %d of %d, %v", k.Version(), k.Newest(), err)
	}
	wantVersion(t, k.Seal([]byte("x"), "row"), 1)
	wantError(t, k.Use(3), seal.ErrUnknownKeyVersion)
	if err := k.Use(2); err != nil {
		t.Error(err)
	}
	wantVersion(t, k.Seal([]byte("x"), "row"), 2)
}

func wantVersion(t *testing.T, blob []byte, want uint32) {
	t.Helper()
	version, ok := seal.VersionOf(blob)
	if !ok || version != want || !bytes.HasPrefix(blob, seal.Header(want)) {
		t.Errorf("version %d (%t), want %d", version, ok, want)
	}
}

func TestKeyring_Take(t *testing.T) {
	t.Parallel()
	k := ringOf(t, 1)
	blob := ringOf(t, 1, 2).Seal([]byte("secret"), "row")
	if err := k.Take(ringOf(t, 1, 2)); err != nil || k.Version() != 1 {
		t.Errorf("version %d, %v", k.Version(), err)
	}
	if got, err := k.Open(blob, "row"); err != nil || string(got) != "secret" {
		t.Errorf("opened %q, %v", got, err)
	}
	wantError(t, k.Take(ringOf(t, 2)), seal.ErrUnknownKeyVersion)
	other, err := seal.NewKeyring(map[uint32][]byte{1: bytes.Repeat([]byte{1}, 32), 2: bytes.Repeat([]byte{9}, 32)})
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, k.Take(other), seal.ErrOtherKey)
	if err := k.Use(2); err != nil {
		t.Fatal(err)
	}
	if err := k.Take(ringOf(t, 2)); err != nil || len(k.Fingerprints()) != 1 {
		t.Errorf("%v, %v", k, err)
	}
}

// TestKeyring_OnUnknown: a version that is not known is looked for where the keys come from.
func TestKeyring_OnUnknown(t *testing.T) {
	t.Parallel()
	k, calls := ringOf(t, 1), 0
	blob := ringOf(t, 2).Seal([]byte("secret"), "row")
	k.OnUnknown(func() bool { calls++; return false })
	_, err := k.Open(blob, "row")
	wantError(t, err, seal.ErrUnknownKeyVersion)
	k.OnUnknown(func() bool { calls++; return k.Take(ringOf(t, 1, 2)) == nil })
	if got, err := k.Open(blob, "row"); err != nil || string(got) != "secret" || calls != 2 {
		t.Errorf("opened %q, %v, after %d calls", got, err, calls)
	}
	if _, err := k.Open(blob, "row"); err != nil || calls != 2 {
		t.Errorf("%v, %d calls", err, calls)
	}
}

func TestSplitLines(t *testing.T) {
	t.Parallel()
	one, two := seal.GenerateLine(1), seal.GenerateLine(2)
	text := append(append([]byte("# of the gateway\n"), one...), two...)
	rest, line := seal.SplitLines(text, 1)
	if !bytes.Equal(line, one) || !bytes.Equal(rest, append([]byte("# of the gateway\n"), two...)) {
		t.Error("the wrong lines")
	}
	if rest, line = seal.SplitLines(text, 3); line != nil || !bytes.Equal(rest, text) {
		t.Error("a version that is not there")
	}
	if k, err := seal.ParseKeyring(text); err != nil || k.Version() != 2 {
		t.Errorf("%v, %v", k, err)
	}
}

func TestKeyring_OnSeal(t *testing.T) {
	t.Parallel()
	k := ringOf(t, 1, 2)
	k.OnSeal(func() { _ = k.Use(1) })
	wantVersion(t, k.Seal([]byte("x"), "row"), 1)
}
