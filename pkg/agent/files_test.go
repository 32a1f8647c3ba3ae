package agent

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	chaveiro "github.com/chaveiro/chaveiro/gen/sdk/go"
)

// TestInstance_Files: the directory is what the service says, whatever was there before.
func TestInstance_Files(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.do()
	g.same()
	for name, want := range map[string]os.FileMode{
		nameKey: 0o600, nameControl: 0o600, nameCRL: 0o644, "ccd/site-rio": 0o644, dirSites: 0o755, ".": 0o755,
		".agent": 0o700, ".agent/state.json": 0o600,
	} {
		info, err := os.Stat(filepath.Join(g.i.Dir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if faults, err := Verify(1, g.i.Dir, g.now); err != nil || faults != nil {
		t.Errorf("%q, %v", faults, err)
	}
	keys := g.s.keys
	g.change(func(s *service) { s.files[nameConfig] += "sndbuf 0\n"; delete(s.files, "ccd/site-rio") })
	g.do()
	g.same()
	if g.s.keys != keys {
		t.Error("the keys were asked for again")
	}
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(g.i.Dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("ccd/stranger", "")
	write(nameCA, "")
	if err := os.Remove(filepath.Join(g.i.Dir, nameKey)); err != nil {
		t.Fatal(err)
	}
	g.now = g.now.Add(wholeLook)
	g.do()
	g.same()
}

// TestInstance_Gone: what a server has no more is removed, an earlier key as soon as its
// configuration does not name it.
func TestInstance_Gone(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.change(func(s *service) {
		s.files["ocsp/1.pem"], s.files["ocsp/2.pem"], s.files[nameEarlier] = "a", "b", "earlier"
		s.files[nameConfig] += "tls-auth " + nameEarlier + "\n"
	})
	g.do()
	g.same()
	g.change(func(s *service) {
		delete(s.files, "ocsp/1.pem")
		delete(s.files, nameEarlier)
		s.files[nameConfig] = strings.ReplaceAll(s.files[nameConfig], "tls-auth "+nameEarlier+"\n", "")
	})
	g.do()
	g.same()
	for _, name := range []string{"ocsp/1.pem", nameEarlier} {
		if _, err := os.Stat(filepath.Join(g.i.Dir, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is there: %v", name, err)
		}
	}
}

// TestInstance_ListTime: each list is in a later second than the one before, however fast they come
// and wherever the clock goes.
func TestInstance_ListTime(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.do()
	var before time.Time
	for _, clock := range []time.Duration{0, 0, 10 * time.Millisecond, -24 * time.Hour, 24 * time.Hour} {
		g.revoke("site-rio")
		g.now = noon.Add(max(clock, -30*time.Minute))
		g.do()
		info, err := os.Stat(filepath.Join(g.i.Dir, nameCRL))
		if err != nil {
			t.Fatal(err)
		}
		if at := info.ModTime(); !at.After(before) || at.Nanosecond() != 0 {
			t.Errorf("%s after %s", at, before)
		} else {
			before = at
		}
	}
}

// TestInstance_Lists: a list that takes something back, or that OpenVPN would refuse everybody for,
// does not come into place.
func TestInstance_Lists(t *testing.T) {
	t.Parallel()
	other := newAuthority(t, "other")
	for name, test := range map[string]struct {
		change func(g *gateway)
		want   error
	}{
		"older": {func(g *gateway) { g.s.files[nameCRL] = g.ca.list(4, noon) }, errOlderList},
		"earlier": {
			func(g *gateway) { g.s.files[nameCRL] = g.ca.list(6, noon.Add(-2*time.Hour)) }, errOlderList,
		},
		"the clock is a day behind": {func(g *gateway) {
			g.now = noon.AddDate(0, 0, -1)
			g.s.files[nameCRL] = g.ca.list(6, noon.Add(-time.Minute))
		}, errFutureList},
		"the clock is a year ahead": {func(g *gateway) {
			g.now = noon.AddDate(1, 0, 0)
			g.s.files[nameCRL] = g.ca.list(6, noon.Add(-time.Minute))
		}, errEndedList},
		"of another CA": {
			func(g *gateway) { g.s.files[nameCRL] = other.list(6, noon.Add(-time.Minute)) }, errForeignList,
		},
		"none":                    {func(g *gateway) { g.s.files[nameCRL] = "" }, errNoList},
		"a CA that never had one": {func(g *gateway) { g.s.files[nameCA] += other.pem }, nil},
		"not whole": {func(g *gateway) {
			g.s.files[nameCRL] = strings.Replace(g.ca.list(6, noon), "END", "EN", 1)
		}, errNoList},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t)
			g.s.files[nameCRL] = g.ca.list(5, noon.Add(-time.Hour))
			g.do()
			before := g.read(nameCRL)
			g.change(func(*service) { test.change(g) })
			if err := g.i.Step(t.Context()); !errors.Is(err, test.want) {
				t.Errorf("%v, not %v", err, test.want)
			}
			if g.read(nameCRL) != before {
				t.Error("the list was replaced")
			}
		})
	}
}

// TestInstance_ListGone: once the list of a CA was there, the file never comes without it.
func TestInstance_ListGone(t *testing.T) {
	t.Parallel()
	g, other := newGateway(t), newAuthority(t, "other")
	g.s.files[nameCA] += other.pem
	both := g.s.files[nameCRL] + other.list(1, noon.Add(-time.Minute))
	only := g.s.files[nameCRL]
	g.s.files[nameCRL] = both
	g.do()
	g.change(func(s *service) { s.files[nameCRL] = only })
	if err := g.i.Step(t.Context()); !errors.Is(err, errNoList) || g.read(nameCRL) != both {
		t.Error(err)
	}
	g.change(func(s *service) { s.files[nameCA] = g.ca.pem })
	g.do()
}

// TestInstance_Names: no file of the service comes to be elsewhere.
func TestInstance_Names(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"../x", "/etc/x", "ccd/../x", "ccd/a/b", "other/x", "", ".", "..", "ccd", "ccd/", "ccd/..", ".agent", ".agent/state.json",
		"a\\b", "systemd", "ocsp", "ocsp/",
	} {
		g := newGateway(t)
		g.s.files[name] = "x"
		if err := g.i.Step(t.Context()); err == nil {
			t.Errorf("%q was written", name)
		}
	}
	g := newGateway(t)
	outside := t.TempDir()
	if err := errors.Join(
		os.Remove(filepath.Join(g.i.Dir, "ccd")), os.Symlink(outside, filepath.Join(g.i.Dir, "ccd")),
	); err != nil {
		t.Fatal(err)
	}
	if err := g.i.Step(t.Context()); err == nil {
		t.Error("a link was followed")
	}
	if entries, _ := os.ReadDir(outside); len(entries) > 0 {
		t.Errorf("%v are outside", entries)
	}
}

// errCrash is where a test ends the agent.
var errCrash = errors.New("killed")

// TestInstance_Killed: the agent is killed before each change of a file in turn. Each file is the
// old or the new one then, and the next run ends who has to go and nobody else.
func TestInstance_Killed(t *testing.T) {
	t.Parallel()
	for at := 0; ; at++ {
		g := newGateway(t)
		g.do()
		g.now = noon.Add(2 * handshake)
		g.do() // what the first run has noted is settled
		g.vpn.connect(1, "site-rio", time.Minute)
		g.vpn.connect(2, "site-lisboa", time.Minute)
		old := map[string]string{}
		for name := range g.s.files {
			old[name] = g.read(name)
		}
		g.revoke("site-rio")
		g.s.files["ccd/site-porto"], g.s.files[nameConfig] = "", g.s.files[nameConfig]+"# changed\n"
		step := 0
		g.i.dir.step = func(string) error {
			if step++; step > at {
				return errCrash
			}
			return nil
		}
		killed := g.i.Step(t.Context())
		for name, content := range g.s.files {
			if got := g.read(name); got != content && got != old[name] {
				t.Fatalf("killed at %d: %s is %q", at, name, got)
			}
		}
		g.again()
		g.do()
		g.same()
		if diff := cmp.Diff([]string{"site-lisboa"}, g.vpn.names()); diff != "" {
			t.Fatalf("killed at %d: connected are %s", at, diff)
		}
		if !hasLine(strings.Join(g.vpn.got(), "\n")+"\n", "signal SIGHUP") {
			t.Fatalf("killed at %d: OpenVPN was not reloaded", at)
		}
		if !errors.Is(killed, errCrash) {
			if at < 10 {
				t.Fatalf("there are only %d steps", at)
			}
			return
		}
	}
}

// TestInstance_FullDisk: a write that fails changes nothing, and is made up for later.
func TestInstance_FullDisk(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.do()
	before := g.read(nameCRL)
	g.revoke("site-rio")
	full := fmt.Errorf("no space left on device")
	g.i.dir.step = func(string) error { return full }
	for range 3 {
		if err := g.i.Step(t.Context()); !errors.Is(err, full) {
			t.Fatal(err)
		}
	}
	if g.read(nameCRL) != before {
		t.Error("the list has changed")
	}
	g.i.dir.step = func(string) error { return nil }
	g.do()
	g.same()
}

// TestInstance_Reload: the mildest means that does.
func TestInstance_Reload(t *testing.T) {
	t.Parallel()
	dropped := "user nobody\n"
	for name, test := range map[string]struct {
		before string // what the configuration has besides
		change func(s *service)
		want   []string
	}{
		"a list":  {"", func(s *service) {}, nil},
		"a site":  {"", func(s *service) { s.files["ccd/other"] = "" }, nil},
		"a text":  {"", func(s *service) { s.files["README.md"] = "x" }, nil},
		"the key": {"", func(s *service) { s.files[nameControl], s.state.KeyTag = "other", "k2" }, []string{"signal SIGHUP"}},
		"an earlier key": {"", func(s *service) {
			s.files[nameConfig] += "tls-auth " + nameEarlier + " 0\n"
			s.files[nameEarlier], s.state.KeyTag = "other", "k2"
		}, []string{"signal SIGHUP"}},
		"a CA to ask":    {"", func(s *service) { s.files["ocsp/1.pem"], s.files["ocsp-verify.sh"] = "x", "y" }, nil},
		"the config":     {"", func(s *service) { s.files[nameConfig] += "verb 4\n" }, []string{"signal SIGHUP"}},
		"another route":  {"", func(s *service) { s.files[nameConfig] += "route 10.1.0.0 255.255.0.0\n" }, []string{"signal SIGHUP"}},
		"a route less":   {"route 10.1.0.0 255.255.0.0\n", nil, nil},
		"a reload":       {"", func(s *service) { s.state.ReloadedAt = new(noon) }, []string{"signal SIGHUP"}},
		"of an own user": {dropped, func(s *service) { s.files[nameConfig] += dropped + "verb 4\n" }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t)
			config := g.s.files[nameConfig]
			g.s.files[nameConfig] += test.before
			g.i.Restart = []string{"true", "{unit}"}
			g.do()
			g.i.Restart = nil
			g.vpn.got()
			g.change(func(s *service) {
				s.files[nameConfig] = config
				if test.change != nil {
					test.change(s)
				}
			})
			err := g.i.Step(t.Context())
			if wanted := test.before == dropped; errors.Is(err, errRestart) != wanted {
				t.Errorf("%v", err)
			}
			if diff := cmp.Diff(test.want, g.vpn.got()); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got := reloadFor(nameKey, "port 1\n"); got != Again {
		t.Errorf("without persist-key: %s", got)
	}
}

// TestStatusOf: what is wrong is said early enough.
func TestStatusOf(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.do()
	for after, want := range map[time.Duration]string{
		time.Minute: "", 10 * time.Minute: "has not answered", 24 * 24 * time.Hour: "ends in", 31 * 24 * time.Hour: "has ended",
	} {
		s, err := StatusOf(1, g.i.Dir, noon.Add(after))
		if got := strings.Join(s.Faults, "\n"); err != nil || (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("after %s: %q, %v", after, got, err)
		}
	}
	if _, err := StatusOf(1, t.TempDir(), noon); err == nil {
		t.Error("there is no instance")
	}
}

// TestVerify_Finds: each thing that OpenVPN would stumble over is found.
func TestVerify_Finds(t *testing.T) {
	t.Parallel()
	other := newAuthority(t, "other")
	_, strange := other.server()
	for want, spoil := range map[string]func(path func(string) string) error{
		"can't read it":      func(path func(string) string) error { return os.Chmod(path(nameCRL), 0o600) },
		"others can read it": func(path func(string) string) error { return os.Chmod(path(nameKey), 0o644) },
		"private key":        func(path func(string) string) error { return os.WriteFile(path(nameKey), []byte(strange), 0o600) },
		"older than the one": func(path func(string) string) error { return os.WriteFile(path(nameCRL), []byte(oldList), 0o644) },
		"none of the CAs": func(path func(string) string) error {
			return os.WriteFile(path(nameCRL), []byte(other.list(1, noon)), 0o644)
		},
		"has no revocation":   func(path func(string) string) error { return os.WriteFile(path(nameCRL), nil, 0o644) },
		"no such file":        func(path func(string) string) error { return os.Remove(path(nameCert)) },
		"in force from":       nil,
		"has ended by the cl": nil,
	} {
		t.Run(want, func(t *testing.T) {
			g := newGateway(t)
			oldList = g.ca.list(1, noon.Add(-2*time.Hour))
			g.do()
			now := g.now
			if spoil == nil {
				now = noon.AddDate(2, 0, 0)
			} else if err := spoil(func(name string) string { return filepath.Join(g.i.Dir, name) }); err != nil {
				t.Fatal(err)
			}
			faults, err := Verify(1, g.i.Dir, now)
			if got := strings.Join(faults, "\n"); err != nil || !strings.Contains(got, want) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// oldList is a list of the CA of the running case of TestVerify_Finds.
var oldList string

var _ Source = Service{SDK: (*chaveiro.SDK)(nil)}
