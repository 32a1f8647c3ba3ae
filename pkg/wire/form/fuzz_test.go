package form_test

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/chaveiro/chaveiro/pkg/wire/form"
)

// FuzzText: the fields are those that the standard library reads; what it refuses is refused, and
// so is a wanted field that appears twice.
func FuzzText(f *testing.F) {
	for _, seed := range []string{
		"", "ip=1&hostname=a+b", "ip=1&ip=2", "ip=%zz", "ip=%ff", "ip", "&&=", "%69p=1;ip=2", "ip=1=2",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fields, err := form.Text(text, names)
		want, wantErr := url.ParseQuery(text)
		refused := wantErr != nil && !strings.Contains(wantErr.Error(), "semicolon")
		for name, values := range want {
			refused = refused || len(values) > 1 && (name == names[0] || name == names[1])
			for _, value := range values {
				refused = refused || !utf8.ValidString(value)
			}
		}
		if wantErr != nil && !refused {
			return // a semicolon is an ordinary character here
		}
		if (err != nil) != refused {
			t.Fatalf("%q: %v, want refused: %v", text, err, refused)
		}
		for _, name := range names {
			if value, there := fields[name]; err == nil && (there != want.Has(name) || value != want.Get(name)) {
				t.Fatalf("%q: %s is %q, the standard library reads %q", text, name, value, want.Get(name))
			}
		}
	})
}
