package auth_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// cheap is the hash of "segredo" at almost no cost.
var cheap = phc(
	"m=8,t=1,p=1", encode("salt salt salt 1"),
	encode(string(argon2.IDKey([]byte("segredo"), []byte("salt salt salt 1"), 1, 8, 1, 32))),
)

func encode(text string) string { return base64.RawStdEncoding.EncodeToString([]byte(text)) }

func phc(cost, salt, sum string) domain.Secret {
	return domain.Secret("$argon2id$v=19$" + cost + "$" + salt + "$" + sum)
}

func wantMatch(t testing.TB, hash, password domain.Secret, ok, outdated bool) {
	t.Helper()
	if gotOK, gotOutdated := auth.CheckPassword(hash, password); gotOK != ok || gotOutdated != outdated {
		t.Errorf("%s matches: %t, outdated: %t", string(hash), gotOK, gotOutdated)
	}
}

func TestPassword(t *testing.T) {
	t.Parallel()
	hash := auth.HashPassword("uma senha ✓")
	t.Run("a hash is that of its password alone", func(t *testing.T) {
		wantMatch(t, hash, "uma senha ✓", true, false)
		for _, other := range []domain.Secret{"", "uma senha", "Uma senha ✓", "uma senha ✓ ", "uma senha ✓\x00"} {
			wantMatch(t, hash, other, false, false)
		}
	})
	t.Run("a hash says how it was made, and has a salt of its own", func(t *testing.T) {
		again := auth.HashPassword("uma senha ✓")
		for _, text := range []domain.Secret{hash, again} {
			if !strings.HasPrefix(string(text), "$argon2id$v=19$m=19456,t=2,p=1$") {
				t.Errorf("it is %q", string(text))
			}
		}
		if hash == again {
			t.Error("two hashes of one password are the same")
		}
	})
	t.Run("an unusable hash matches no password and costs what any other does", func(t *testing.T) {
		unusable := auth.UnusableHash()
		for _, password := range []domain.Secret{"", "uma senha ✓", unusable} {
			wantMatch(t, unusable, password, false, false)
		}
		before, _, _ := strings.Cut(string(hash), "p=1$")
		if !strings.HasPrefix(string(unusable), before) || len(unusable) != len(hash) {
			t.Errorf("it is %q", string(unusable))
		}
	})
	t.Run("a hash of another cost is told", func(t *testing.T) {
		wantMatch(t, cheap, "segredo", true, true)
		wantMatch(t, cheap, "Segredo", false, true)
		key := argon2.IDKey([]byte("segredo"), []byte("salt"), 1, 16<<10, 2, 32)
		wantMatch(t, phc("m=16384,t=1,p=2", encode("salt"), encode(string(key))), "segredo", true, true)
	})
}

// TestCheckPassword_Hostile: no password matches a text that is no hash, or a hash that costs too
// much.
func TestCheckPassword_Hostile(t *testing.T) {
	t.Parallel()
	salt, sum := encode("salt salt salt 1"), strings.Split(string(cheap), "$")[5]
	for _, hash := range []domain.Secret{
		"", "$", "$$$$$", "$argon2id", cheap[1:], cheap + "$", "x" + cheap, "segredo",
		domain.Secret(strings.Replace(string(cheap), "argon2id", "argon2i", 1)),
		domain.Secret(strings.Replace(string(cheap), "v=19", "v=16", 1)),
		domain.Secret(strings.ToUpper(string(cheap))),
		phc("m=8,t=1,p=1", salt, ""), phc("m=8,t=1,p=1", salt, encode("short")), phc("m=8,t=1,p=1", salt, sum[:40]),
		phc("m=8,t=1,p=1", salt, sum+"AAAA"),
		phc("m=8,t=1,p=1", "?", sum), phc("m=8,t=1,p=1", salt, "?"+sum), phc("m=8,t=1,p=1", salt+"=", sum),
		phc("m=8,t=1,p=1", "", sum),
		phc("", salt, sum), phc("m=8", salt, sum), phc("t=1,m=8,p=1", salt, sum), phc("m=8,t=1,p=x", salt, sum),
		phc("m=-8,t=1,p=1", salt, sum),
		phc("m=8,t=0,p=1", salt, sum), phc("m=8,t=1,p=0", salt, sum), phc("m=8,t=1,p=256", salt, sum),
		phc("m=8,t=1,p=257", salt, sum),
		phc("m=4294967295,t=1,p=1", salt, sum), phc("m=8,t=4294967295,p=1", salt, sum),
		phc("m=65537,t=1,p=1", salt, sum), phc("m=8,t=17,p=1", salt, sum),
		phc("m=8,t=1,p=17", salt, sum), phc("m=99999999999999999999,t=1,p=1", salt, sum),
		phc("m=4294967304,t=1,p=1", salt, sum),
	} {
		if ok, _ := auth.CheckPassword(hash, "segredo"); ok {
			t.Errorf("%q matches", string(hash))
		}
	}
}

// bearable is how long a check may take on the slowest machine; on most it takes a second.
const bearable = 20 * time.Second

func FuzzCheckPassword(f *testing.F) {
	for _, hash := range []domain.Secret{
		cheap, auth.UnusableHash(), phc("m=65536,t=16,p=16", "AA", "AA"), phc("m=0,t=1,p=1", "", ""), "", "$$$$$",
	} {
		f.Add(string(hash), "segredo")
	}
	f.Fuzz(func(t *testing.T, hash, password string) {
		begun := time.Now()
		ok, _ := auth.CheckPassword(domain.Secret(hash), domain.Secret(password))
		if taken := time.Since(begun); taken > bearable {
			t.Errorf("%q took %s", hash, taken)
		}
		if ok && !strings.HasPrefix(hash, "$argon2id$v=19$m=") {
			t.Errorf("%q matches %q", hash, password)
		}
	})
}
