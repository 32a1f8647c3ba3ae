package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// mostExposed are the highest levels that systemd-analyze may find, from 0 to 10. The agent is root
// and replaces files of others, so it is more exposed than the server.
var mostExposed = map[string]float64{
	"/usr/lib/systemd/system/chaveiro.service":                2.0,
	"/usr/share/doc/chaveiro/examples/chaveiro-agent.service": 3.0,
}

var exposure = regexp.MustCompile(`Overall exposure level for \S+: (\d+\.\d+)`)

func TestUnit_Exposure(t *testing.T) {
	t.Parallel()
	needs(t, "systemd-analyze")
	for path, most := range mostExposed {
		text := command(t, "systemd-analyze", "security", "--offline=true", "--no-pager", filepath.Join(made.root, path))
		found := exposure.FindStringSubmatch(text)
		if found == nil {
			t.Errorf("%s: no level in %q", path, text)
			continue
		}
		level, err := strconv.ParseFloat(found[1], 64)
		if err != nil || level > most {
			t.Errorf("%s: %s, at most %v", path, found[0], most)
		}
		t.Log(found[0])
	}
}

// TestUnit_Verify: systemd takes the units without a remark.
func TestUnit_Verify(t *testing.T) {
	t.Parallel()
	needs(t, "systemd-analyze")
	for path := range mostExposed {
		unit := filepath.Join(t.TempDir(), filepath.Base(path))
		text := strings.ReplaceAll(inRoot(t, path), "/usr/bin/chaveiro", filepath.Join(made.root, "usr/bin/chaveiro"))
		if err := os.WriteFile(unit, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if remarks := command(t, "sh", "-c", "systemd-analyze verify --man=no "+unit+" 2>&1"); remarks != "" {
			t.Errorf("%s: %s", path, remarks)
		}
	}
}

// TestSettings: the program takes the settings of the package as they are, and with every example
// in them.
func TestSettings(t *testing.T) {
	t.Parallel()
	text := inRoot(t, "/etc/chaveiro/chaveiro.yaml")
	examples := regexp.MustCompile(`(?m)^# ([a-z-]+: )`).ReplaceAllString(text, "$1")
	examples = strings.Replace(examples, "listen: 127.0.0.1:8080\n", "", 1)
	if examples == text {
		t.Fatal("no examples")
	}
	for _, one := range []string{text, examples} {
		file := filepath.Join(t.TempDir(), "chaveiro.yaml")
		if err := os.WriteFile(file, []byte(one), 0o600); err != nil {
			t.Fatal(err)
		}
		command(t, made.built.program, "--config", file, "version")
	}
}
