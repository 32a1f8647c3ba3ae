package oas

import (
	"slices"
	"testing"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	known := namesOf([]string{"id", "ip", "key", "name", "ca_id", "type", "username", "password", "key_algorithm"})
	for text, want := range map[string]string{
		"Name": "name", "NAME": "name", "nmae": "name", "nam": "name", "names": "name", "mame": "name", "na-me": "name",
		"keyAlgorithm": "key_algorithm", "Key-Algorithm": "key_algorithm", "keyalgorithms": "key_algorithm",
		"key_algoritm": "key_algorithm", "pasword": "password", "passwrod": "password", "pass_wird": "password",
		"pswrd": "", "pasphrase": "", "user_name": "username", "caId": "ca_id", "cas_id": "ca_id", "cai": "ca_id",
		"name[]": "name", "nåme": "name", "naem ": "name", "ke": "key", "Id": "id", "I_P": "ip", "ids": "", "vip": "",
		"i": "", "": "", "_": "", "instance": "", "key_alg": "", "nom": "", "tpey": "", "\xff": "",
		"username_of_a_length_that_nobody_types_by_accident_into_a_request": "",
	} {
		if got := nearest(text, known); got != want {
			t.Errorf("%q is near %q, not %q", text, got, want)
		}
	}
	if got := nearest("tape", namesOf([]string{"tapes", "type", "tape_"})); got != "tape_" {
		t.Errorf("the nearest is %q", got)
	}
	if got := nearest("sise", namesOf([]string{"side", "size", "site"})); got != "side" {
		t.Errorf("the first of equals is %q", got)
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abc", "bca", 2}, {"ca", "abc", 3},
		{"abcd", "badc", 2}, {"kitten", "sitting", 3}, {"ação", "acao", 2},
	} {
		if got := distance([]rune(test.a), []rune(test.b)); got != test.want {
			t.Errorf("from %q to %q it is %d, not %d", test.a, test.b, got, test.want)
		}
	}
}

// A distance is symmetric, is 0 only between equals, and is at least the difference of the lengths
// and at most the greater length.
func FuzzDistance(f *testing.F) {
	for _, seed := range [][2]string{{"name", "nmae"}, {"", "x"}, {"aab", "aba"}, {"ç", "c"}, {"abcabc", "cbacba"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		a, b := []rune(first), []rune(second)
		if len(a) > longestName || len(b) > longestName {
			t.Skip("longer than any name that is compared")
		}
		got := distance(a, b)
		if back := distance(b, a); back != got {
			t.Fatalf("%d there, %d back", got, back)
		}
		if (got == 0) != slices.Equal(a, b) || got < max(len(a)-len(b), len(b)-len(a)) || got > max(len(a), len(b)) {
			t.Fatalf("it is %d", got)
		}
	})
}
