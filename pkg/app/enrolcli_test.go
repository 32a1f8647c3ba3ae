package app_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// atSite is a server with a site, and a machine there with an empty directory.
type atSite struct {
	c              *apptest.Client
	url, dir       string
	site, instance int64
}

func newAtSite(t *testing.T) atSite {
	t.Helper()
	p := apptest.Start(t, onSQLite(t))
	s := atSite{c: login(t, p), url: p.URL, dir: t.TempDir()}
	ca := createCA(t, s.c, "ca-matriz")
	s.instance = create(t, s.c, instancesPath, object{
		"ca_id": ca.ID, "name": "vpn-matriz", "network": "10.8.0.0/24", "remotes": []string{"vpn.example.com"},
	}).ID
	s.site = createClient(t, s.c, ca.ID, "site-rio").ID
	path := clientPath(s.site, fmt.Sprintf("/configs/%d", s.instance))
	if err := s.c.Do(t.Context(), http.MethodPut, path, object{}, nil); err != nil {
		t.Fatal(err)
	}
	return s
}

// link makes a link; pin is empty for one without.
func (s atSite) link(t *testing.T, pin string) string {
	t.Helper()
	var made struct{ Path string }
	in := object{"instance_id": s.instance, "pin": pin}
	if err := s.c.Do(t.Context(), http.MethodPost, clientPath(s.site, "/enrolments"), in, &made); err != nil {
		t.Fatal(err)
	}
	return s.url + made.Path
}

// TestEnrol_Refuses: what can't be done is refused with its exit code and leaves no file, and the
// link is as good as before.
func TestEnrol_Refuses(t *testing.T) {
	t.Parallel()
	s := newAtSite(t)
	link, withPIN, ended := s.link(t, ""), s.link(t, "4711"), s.link(t, "")
	apptest.MustCommand(t, apptest.Options{}, "enrol", "--plain-http", "--dir", t.TempDir(), ended)
	secure := strings.Replace(link, "http://", "https://", 1)
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"", 2, `expected "<url>"`},
		{link, 2, "--plain-http"},
		{strings.Replace(link, "http://", "ftp://", 1), 2, "--plain-http"},
		{"nowhere", 2, "no link of an enrolment"},
		{s.url, 2, "no link of an enrolment"},
		{secure + "?a=b", 2, "no link of an enrolment"},
		{secure + "#a", 2, "no link of an enrolment"},
		{"--plain-http https:///enrol/a", 2, "no link of an enrolment"},
		{"--plain-http " + s.url + "/enrol/NOTHING", 3, "Not found."},
		{"--plain-http --name ../site " + link, 2, `"../site" is no name for files`},
		{"--plain-http --dir /none " + link, 4, "/none is no directory"},
		{"--plain-http " + withPIN, 2, "--pin-stdin"},
		{"--plain-http --pin-stdin " + withPIN, 2, "no PIN on the standard input"},
		{"--plain-http " + ended, 4, "the link is claimed"},
		{secure, 1, ""},
	} {
		got := apptest.Command(t, apptest.Options{}, append([]string{"enrol", "--dir", s.dir}, strings.Fields(test.args)...)...)
		if got.Code != test.code || got.Stdout != "" || !strings.Contains(lastLine(got.Stderr), test.want) {
			t.Errorf("enrol %s: %+v; want code %d, %q", test.args, got, test.code, test.want)
		}
		if secret := filepath.Base(link); strings.Contains(got.Stderr, secret) {
			t.Errorf("enrol %s: it says the secret: %s", test.args, got.Stderr)
		}
	}
	if left := must(os.ReadDir(s.dir)); len(left) != 0 {
		t.Errorf("files are left: %v", left)
	}
	apptest.MustCommand(t, apptest.Options{}, "enrol", "--plain-http", "--dir", s.dir, link)
}

// TestEnrol_Files: what a machine has is never replaced, and a wrong PIN costs nothing but a try.
func TestEnrol_Files(t *testing.T) {
	t.Parallel()
	s := newAtSite(t)
	link := s.link(t, "4711")
	enrol := func(pin string) apptest.Outcome {
		o := apptest.Options{Stdin: pin + "\n"}
		return apptest.Command(t, o, "enrol", "--plain-http", "--pin-stdin", "--dir", s.dir, link)
	}
	for _, file := range []string{"site-rio.key", "site-rio.conf"} {
		write(t, s.dir, file, []byte("mine"))
		if got := enrol("4711"); got.Code != 4 || !strings.Contains(got.Stderr, file+" exists already") {
			t.Errorf("%s: %+v", file, got)
		}
		if read(t, s.dir, file) != "mine" {
			t.Errorf("%s is another one", file)
		}
		must(0, os.Remove(filepath.Join(s.dir, file)))
	}
	if got := enrol("4712"); got.Code != 2 || !strings.Contains(got.Stderr, "Tries left: 9.") {
		t.Errorf("a wrong PIN: %+v", got)
	}
	key := read(t, s.dir, "site-rio.key")
	if got := enrol("4711"); got.Code != 0 || !strings.Contains(got.Stdout, "site-rio is enrolled") {
		t.Errorf("the right PIN: %+v", got)
	}
	if read(t, s.dir, "site-rio.key") != key {
		t.Error("the key is another one")
	}
	for _, file := range []string{"site-rio.key", "site-rio.conf"} {
		if mode := must(os.Stat(filepath.Join(s.dir, file))).Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has the mode %o", file, mode)
		}
	}
	if left := must(os.ReadDir(s.dir)); len(left) != 2 {
		t.Errorf("files: %v", left)
	}
}
