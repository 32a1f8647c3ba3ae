package pam_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/pam"
)

// FuzzMerge: for any query and body, the result has only known fields, each a text that JSON can
// hold, and the body takes precedence.
func FuzzMerge(f *testing.F) {
	const form = "application/x-www-form-urlencoded"
	for _, media := range []string{form, "application/json", "", "text/plain"} {
		f.Add("hostname=a&ip=b", "hostname=c+d&oauth_nonce=x", media)
		f.Add(
			"?&oauth_consumer_key=k&hostname=a%20b",
			`{"hostname": "c", "ip": 5, "site": null, "tags": {"a": 1}, "HOSTNAME": "x"}`, media,
		)
		f.Add("hostname=%zz", `{"hostname": ["a", "b"]} {}`, media)
		f.Add("", "[1]", media)
		f.Add("ip=1&ip=1", "hostname=a&hostname=b", media)
		f.Add("", `{"hostname": 1, "hostname": 2}`, media)
		f.Add("=&&==", "\xff", media)
	}
	names := []string{"hostname", "ip", "site"}
	f.Fuzz(func(t *testing.T, query, body, media string) {
		merged, err := pam.Merge(query, []byte(body), media, names)
		if err != nil {
			if !domain.IsKind(err, domain.Malformed) {
				t.Fatalf("%q %q: %v", query, body, err)
			}
			return
		}
		for name, value := range merged {
			if !slices.Contains(names, name) || !utf8.ValidString(value) {
				t.Fatalf("%q: %q", name, value)
			}
		}
		text, err := json.Marshal(merged)
		if err != nil || !json.Valid(text) {
			t.Fatalf("%v: %s", err, text)
		}
		fromBody, err := url.ParseQuery(body)
		if all := fromBody["hostname"]; media == form && err == nil && len(all) > 0 &&
			(len(all) > 1 || merged["hostname"] != all[0]) {
			t.Fatalf("the body says %q, and it is %q", all, merged["hostname"])
		}
	})
}
