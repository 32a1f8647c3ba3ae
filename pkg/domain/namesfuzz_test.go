package domain_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// FuzzNames: an accepted name is clean, does not change when it is cleaned again, and has one key
// in every spelling.
func FuzzNames(f *testing.F) {
	for _, name := range []string{
		"", " ", "ana", "  Ana\t", "Jose\u0301", "JOSE\u0301", "\u00a0a\u2003b", "A\u030a", "\u212b", "\u212a", "İ",
		"ı", "ß", "ẞ", "Σς", "a\u200bb", "a\u202eb", "a\u0000b",
		"a\u034fb", "\ufeffa", "a\ufe0f", "e\u0323\u0301", "e\u0301\u0323", "\u1e9b\u0323", "\U0001d15e", "\u0958",
		"\u2126", "\xff", "a\xc3", "\u1100\u1161\u11a8", "ǅ", "\u0345",
		strings.Repeat("e\u0301", 255), strings.Repeat("x", 256), "a\u2028b", "\U000e0041a", "\u3164", "\u00ad",
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		clean := domain.CleanName(name)
		if again := domain.CleanName(clean); again != clean {
			t.Errorf("%q becomes %q, and that %q", name, clean, again)
		}
		key := domain.NameKey(clean)
		if utf8.ValidString(name) && domain.NameKey(key) != key {
			t.Errorf("the key of %q is %q, whose key is %q", clean, key, domain.NameKey(key))
		}
		if err := (domain.Role{Name: clean}).Validate(); err != nil {
			return
		}
		hidden := func(r rune) bool { return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) }
		if clean == "" || !utf8.ValidString(clean) || strings.TrimSpace(clean) != clean ||
			!norm.NFC.IsNormalString(clean) || strings.ContainsFunc(clean, hidden) {
			t.Errorf("%q is accepted as %q", name, clean)
		}
		for _, other := range []string{
			norm.NFD.String(clean), norm.NFC.String(clean), " " + clean + "\u00a0", strings.ToLower(clean),
		} {
			if got := domain.NameKey(domain.CleanName(other)); got != key {
				t.Errorf("%q has the key %q, and %q has %q", clean, key, other, got)
			}
		}
	})
}
