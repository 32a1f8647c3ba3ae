package kits

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	safeName    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	commentLine = regexp.MustCompile(`^#   [^\\\x00-\x1f\x7f]*[^\\\x00-\x1f\x7f ]$`)
)

// shape is what a file says apart from the texts that a site chooses: the same for every site that
// is set up in the same way. It fails when the file does not parse.
func shape(t testing.TB, format Format, file File) []string {
	t.Helper()
	switch _, extension, _ := cutLast(file.Name, "."); {
	case extension == "ovpn":
		return shapeOpenVPN(t, withoutComments(t, file.Content))
	case extension == "rsc":
		withoutComments(t, file.Content)
		_, shape := rosStrings(t, file.Content)
		return shape
	case extension == "json":
		return shapeJSON(t, file.Content)
	case format == VyOS:
		parseVyOS(t, file.Content)
	case format == OpenWrt && extension == "sh":
		parseUCI(t, file.Content)
	}
	return strings.Split(string(withoutComments(t, file.Content)), "\n")
}

func cutLast(text, separator string) (before, after string, found bool) {
	at := strings.LastIndex(text, separator)
	if at < 0 {
		return text, "", false
	}
	return text[:at], text[at+len(separator):], true
}

// withoutComments checks the comments at the top of a file and takes them away.
func withoutComments(t testing.TB, content []byte) []byte {
	t.Helper()
	var kept []string
	for line := range strings.Lines(string(content)) {
		if !strings.HasPrefix(line, "#   ") {
			kept = append(kept, line)
		} else if !commentLine.MatchString(strings.TrimSuffix(line, "\n")) {
			t.Errorf("a comment that may be more: %q", line)
		}
	}
	return []byte(strings.Join(kept, ""))
}

// shapeJSON is the keys of the one object of a body, whose values are texts.
func shapeJSON(t testing.TB, content []byte) []string {
	t.Helper()
	var body map[string]map[string]string
	if err := json.Unmarshal(content, &body); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for object, fields := range body {
		for key := range fields {
			keys = append(keys, object+"."+key)
		}
	}
	slices.Sort(keys)
	return keys
}

// sameShape renders a profile, and one with harmless texts that is set up in the same way, and
// compares the two. It returns the kit, or false when the profile was refused.
func sameShape(t testing.TB, format Format, p Profile) (Kit, bool) {
	t.Helper()
	kit, err := Render(format, p)
	if err != nil {
		if len(AllInvalid(err))+len(AllUnsupported(err)) == 0 {
			t.Errorf("%s: an error of neither kind: %v", format, err)
		}
		return Kit{}, false
	}
	harmless := p
	harmless.Site = kit.Base
	harmless.CommonName = harmlessFor(p.CommonName)
	if format != OpenWrt && format != VyOS { // they take only words
		harmless.ServerName = harmlessFor(p.ServerName)
	}
	harmless.Comments = nil
	harmless.Extra = nil
	for _, d := range p.Extra {
		harmless.Extra = append(harmless.Extra, Directive{d.Name, slices.Repeat([]string{"a"}, len(d.Args))})
	}
	if format == RouterOS { // which compares it with the remote
		harmless.ServerName = p.ServerName
	}
	want := mustRender(t, format, harmless)
	for i, file := range kit.Files {
		if !safeName.MatchString(file.Name) || file.Name != want.Files[i].Name {
			t.Errorf("the file %q instead of %q", file.Name, want.Files[i].Name)
		}
		got := shape(t, format, file)
		expected := shape(t, format, want.Files[i])
		if format == VyOS {
			expected = slices.Concat(expected) // the description alone may differ
			at := slices.IndexFunc(expected, func(line string) bool { return strings.Contains(line, " description ") })
			expected[at] = "set interfaces openvpn vtun0 description " + quoteSingle(p.Site)
		}
		if !slices.Equal(expected, got) {
			t.Errorf("%s, %s: %s", format, file.Name, cmp.Diff(expected, got))
		}
	}
	return kit, true
}

func harmlessFor(text string) string {
	if text == "" {
		return ""
	}
	return "a"
}

// checkValues compares the texts that the parsed files give back with those of the profile.
func checkValues(t testing.TB, format Format, p Profile, kit Kit) {
	t.Helper()
	main := kit.Files[0].Content
	switch format {
	case RouterOS:
		values, _ := rosStrings(t, main)
		if !slices.Contains(values, "site "+p.Site) {
			t.Errorf("no comment %q: %q", p.Site, values)
		}
	case OpenVPN, Connect, PfSense, P12Profile:
		checkDirectives(t, format, p, parseOpenVPN(t, main))
	}
}

func checkDirectives(t testing.TB, format Format, p Profile, directives []Directive) {
	t.Helper()
	want := slices.Clone(p.Extra)
	if p.ServerName != "" {
		want = append(want, Directive{"verify-x509-name", []string{p.ServerName, "name"}})
	}
	if format == Connect {
		want = append(want, Directive{"setenv", []string{"FRIENDLY_NAME", p.Site}})
	}
	for _, d := range want {
		if !slices.ContainsFunc(directives, func(other Directive) bool {
			return other.Name == d.Name && slices.Equal(other.Args, d.Args)
		}) {
			t.Errorf("%s: there is no %q in %q", format, d, directives)
		}
	}
}

// hostile are texts that mean something in one of the languages.
var hostile = []string{
	`a"b`, `a'b`, `a\`, `a\\"`, "$(reboot)", "`reboot`", "a; reboot", "a#b", "#", "[/system/reboot]", "a]b", "a}b", "$a",
	"<ca>", "</ca>", "<a>&amp;", "ação", "サイト", "a%n", "%s", "{{.Key}}", "../../etc/passwd", "..", ".", "-rf", "a=b",
	"a,b", "a|b", "a&b", "a>b", "*", "?", "~", "!", "END", "OVPN_ACCESS_SERVER_PROFILE=x", "@TLS_KEY@", "DEFAULT",
	"filter", "lan", `" name x "`, `\22`, "a b", "'; reboot; '", "${IFS}", "\u2019",
	strings.Repeat(`"`, 64), strings.Repeat("\U0001f600", 50), strings.Repeat("é ", 31) + "é",
}

// refusedTexts are texts that no file can have.
var refusedTexts = []string{"a\nup x", "a\rb", "a\tb", "a\x00b", "a\x1bb", "a\xff", " a", "a ", "a\u2028b", "a\u00a0b", "a\u202eb", "\ufeffa"}

func TestHostileTexts(t *testing.T) {
	t.Parallel()
	for name, sample := range samples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, text := range hostile {
				checkHostile(t, sample.Format, sample.Profile, text)
			}
			for _, text := range refusedTexts {
				for field, change := range fields {
					p := sample.Profile
					change(&p, text)
					if kit, err := Render(sample.Format, p); len(AllInvalid(err)) == 0 {
						t.Errorf("%s %q: %v\n%s", field, text, err, kit.Files[0].Content)
					}
				}
			}
		})
	}
}

// fields are the texts that a site chooses.
var fields = map[string]func(p *Profile, text string){
	"Site":       func(p *Profile, text string) { p.Site = text },
	"CommonName": func(p *Profile, text string) { p.CommonName = text },
	"ServerName": func(p *Profile, text string) { p.ServerName = text },
	"Comments":   func(p *Profile, text string) { p.Comments = []string{text} },
	"Remotes": func(p *Profile, text string) {
		p.Remotes = append([]Remote{{text, p.Remotes[0].Port, p.Remotes[0].Proto}}, p.Remotes[1:]...)
	},
	"ServerHosts": func(p *Profile, text string) { p.ServerHosts = []string{text} },
	"Auth":        func(p *Profile, text string) { p.Auth = text },
	"DataCiphers": func(p *Profile, text string) { p.DataCiphers = []string{text} },
	"Extra":       func(p *Profile, text string) { p.Extra = []Directive{{"pull-filter", []string{"ignore", text}}} },
	"Extra name":  func(p *Profile, text string) { p.Extra = []Directive{{text, nil}} },
	"Device":      func(p *Profile, text string) { p.Device = Device(text) },
	"Proto":       func(p *Profile, text string) { p.Remotes = []Remote{{"a", 1, Proto(text)}} },
	"Kind":        func(p *Profile, text string) { p.Control.Kind = ControlKind(text) },
}

func checkHostile(t testing.TB, format Format, p Profile, text string) {
	t.Helper()
	rendered := 0
	for field, change := range fields {
		changed := p
		change(&changed, text)
		if kit, ok := sameShape(t, format, changed); ok {
			rendered++
			checkValues(t, format, changed, kit)
		} else if field == "Site" || field == "CommonName" || field == "Comments" {
			t.Errorf("%s: %s refuses %q", format, field, text)
		}
	}
	if rendered == 0 {
		t.Errorf("%s refuses %q everywhere", format, text)
	}
}

// FuzzRender looks for texts that get out of their place: which chooses a format and a field, text
// is its value, and other that of all names.
func FuzzRender(f *testing.F) {
	profiles := samples(f)
	names, places := slices.Sorted(maps.Keys(profiles)), slices.Sorted(maps.Keys(fields))
	for which := range len(names) * len(places) {
		f.Add(uint(which), hostile[which%len(hostile)], refusedTexts[which%len(refusedTexts)])
		f.Add(uint(which), "site-rio", hostile[which%len(hostile)])
	}
	f.Fuzz(func(t *testing.T, which uint, text, other string) {
		sample := profiles[names[which%uint(len(names))]]
		p := sample.Profile
		fields[places[which/uint(len(names))%uint(len(places))]](&p, text)
		if kit, ok := sameShape(t, sample.Format, p); ok {
			checkValues(t, sample.Format, p, kit)
		}
		p.CommonName, p.ServerName, p.Comments = other, other, []string{other, text}
		if kit, ok := sameShape(t, sample.Format, p); ok {
			checkValues(t, sample.Format, p, kit)
		}
	})
}
