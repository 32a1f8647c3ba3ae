package app_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

const (
	deviceColumns = "hostname,ip,model,type,vendor,site,device_domain,device_tags,connectivities,session_remote_config,enabled\n"
	goodDevice    = "Device-via-API,172.10.21.21,RedHat,Desktop,Linux,AWS,,\"api,app\",SSH:22,SSH:EXPECT:FILL,true\n"
)

// TestDeviceCommands runs imports with every outcome, beside a running server.
func TestDeviceCommands(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o apptest.Options) {
		p := apptest.Start(t, o)
		c := login(t, p)
		file := filepath.Join(t.TempDir(), "devices.csv")
		write := func(text string) {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		faulty := deviceColumns + goodDevice + ",1,m,t,v,s,,,,,\nother,1,m,t,v,s,nowhere,,,,\nshort,1\n"
		write(faulty)
		wantImport(t, o, 1, "", "line 5: rows[4]: the row must have 11 cells", file)
		write(strings.TrimSuffix(faulty, "short,1\n"))
		wantImport(t, o, 1, "", "rows[2].hostname: required", file)
		wantCount(t, c, 0)
		write(faulty)
		wantImport(
			t, o, 1, "1 created, 0 updated, 0 unchanged, 3 at fault\n",
			"line 3: hostname: required\nline 4: device_domain: not found\nline 5", "--partial", file,
		)
		wantCount(t, c, 1)
		o.Stdin = deviceColumns + strings.Replace(goodDevice, "AWS", "Azure", 1)
		wantImport(t, o, 0, "0 created, 1 updated, 0 unchanged, 0 at fault\n", "", "-")
		if got := apptest.MustCommand(t, o, "device", "export"); got != o.Stdin {
			t.Errorf("exported %q", got)
		}
		wantImport(t, o, 0, "0 created, 0 updated, 1 unchanged, 0 at fault\n", "", "-", "--partial")
		wantCommands(t, c, "pam.devices", 1, "chaveiro device import", "chaveiro device import")
	})
}

// wantImport checks the exit code, the standard output, and a part of the standard error.
func wantImport(t *testing.T, o apptest.Options, code int, stdout, stderr string, args ...string) {
	t.Helper()
	got := apptest.Command(t, o, append([]string{"device", "import"}, args...)...)
	if got.Code != code || got.Stdout != stdout || !strings.Contains(got.Stderr, stderr) || code == 0 &&
		got.Stderr != "" {
		t.Errorf("%v: %d %q %q", args, got.Code, got.Stdout, got.Stderr)
	}
}

func wantCount(t *testing.T, c *apptest.Client, want int) {
	t.Helper()
	if got := strings.Count(string(get(t, c, "/api/pam/devices")), `"hostname"`); got != want {
		t.Errorf("%d devices, not %d", got, want)
	}
}

// TestServer_UnsignedAndPlaintext: what the two settings allow, and that both methods are refused
// over http nevertheless.
func TestServer_UnsignedAndPlaintext(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		env, args []string
		want      bool
	}{
		"nothing set": {nil, nil, false},
		"variables":   {[]string{"CHAVEIRO_PAM_UNSIGNED=true", "CHAVEIRO_PAM_PLAINTEXT=true"}, nil, true},
		"flags":       {nil, []string{"--pam-unsigned", "--pam-plaintext"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := onSQLite(t)
			o.Env, o.Args = test.env, test.args
			p := apptest.Start(t, o)
			line, err := p.AwaitLog(t.Context(), "configuration")
			if err != nil {
				t.Fatal(err)
			}
			said := line["config"].(map[string]any)
			if said["pam-unsigned"] != test.want || said["pam-plaintext"] != test.want {
				t.Errorf("it says %v", said)
			}
			wantStatus(
				t, &apptest.Client{URL: p.URL}, http.MethodGet, "/iso/pam/device?oauth_consumer_key=x&oauth_token=y",
				nil, http.StatusUnauthorized,
			)
		})
	}
}
