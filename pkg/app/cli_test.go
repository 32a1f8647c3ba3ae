package app_test

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

var tokenLine = regexp.MustCompile(`^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\n$`)

func TestAPIKeyCreate_PrintsOnlyTheToken(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o apptest.Options) {
		apptest.MustCommand(t, o, "migrate", "up")
		outcome := apptest.Command(t, o, "apikey", "create", "--name", "Terraform", "--superuser")
		if outcome.Code != 0 || !tokenLine.MatchString(outcome.Stdout) || outcome.Stderr != "" {
			t.Fatalf("code %d, stdout %q, stderr %q", outcome.Code, outcome.Stdout, outcome.Stderr)
		}
		c := &apptest.Client{URL: apptest.Start(t, o).URL, Token: strings.TrimSpace(outcome.Stdout)}
		get(t, c, cas)
		again := apptest.Command(t, o, "apikey", "create", "--name", "terraform")
		if again.Code == 0 || again.Stdout != "" || !strings.Contains(again.Stderr, "name") {
			t.Errorf("the same name again: code %d, stdout %q, stderr %q", again.Code, again.Stdout, again.Stderr)
		}
	})
}

func TestCommands_RefuseNonsense(t *testing.T) {
	t.Parallel()
	postgres := onPostgres(t) // nothing changes it
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(
		file, []byte("no database, and no directory either: "+strings.Repeat("x", 4096)), 0o600,
	); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"":                             "expected one of",
		"server":                       "unexpected argument server",
		"serve --port 80":              "unknown flag --port",
		"serve --crl-life soon":        "--crl-life",
		"serve --crl-life 1m":          "crl-life is below 1h",
		"serve --signing-key-life 59m": "signing-key-life is below 1h",
		"serve --log-level loud":       "--log-level",
		"serve --listen nowhere":       "nowhere",
		"serve --tls-key a.key":        "tls-certificate",
		"serve --external-url vpn":     "external-url",
		"serve --trusted-proxies proxy.example.com":          "--trusted-proxies",
		"serve --listen " + taken.Addr().String():            "address already in use",
		"serve --tls-certificate a.crt --tls-key a.key":      "a.crt",
		"serve --database-url mysql://root:hunter2@db/x":     "database-url",
		"serve --database-url postgres://u:hunter2@db:x/x":   "database URL is not valid",
		"serve --database-url " + file:                       "not a database",
		"serve --data-dir " + file:                           "not a directory",
		"migrate":                                            "expected one of",
		"migrate up --database-url mysql://root:hunter2@d/x": "database-url",
		"apikey create":                                      "--name",
		"apikey create --name=":                              "--name: it is empty",
		"apikey create --name a --allowed-ip here":           "allowed_ips[0]: no address or network, as ",
		"apikey create --name a --role 9":                    "there is no role with the id 9",
		"apikey create --name a --expires soon":              "not a duration, as 90d",
		"apikey rotate":                                      "expected \"<apikey>\"",
		"apikey rotate 9":                                    "there is no apikey with the id 9",
		"apikey rotate 1 --overlap soon":                     "--overlap",
		"apikey rotate 1 --overlap=-1s":                      "--overlap: below 0s",
		"apikey revoke all":                                  "there is no apikey named \"all\"",
		"apikey revoke 9":                                    "there is no apikey with the id 9",
		"user create":                                        "--username",
		"user create --username a --password-stdin":          "no password on the standard input",
		"user create --username a --email nowhere":           "email: no e-mail address",
		"signing-key rotate 1":                               "unexpected argument 1",
		"audit":                                              "expected one of",
		"audit prune":                                        "--keep",
		"audit prune --keep=-1s":                             "--keep: below 0s",
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			o := onSQLite(t)
			o.Env = []string{"CHAVEIRO_LISTEN=127.0.0.1:0"}
			if !strings.HasPrefix(args, "serve") {
				o = apptest.Prepared(t)
				t.Run("PostgreSQL", func(t *testing.T) {
					t.Parallel()
					wantNonsense(t, postgres, args, want)
				})
			}
			wantNonsense(t, o, args, want)
		})
	}
}

func wantNonsense(t *testing.T, o apptest.Options, args, want string) {
	t.Helper()
	outcome := apptest.Command(t, o, strings.Fields(args)...)
	last := lastLine(outcome.Stderr)
	if outcome.Code <= 0 || !strings.HasPrefix(last, "chaveiro: error: ") || !strings.Contains(last, want) {
		t.Errorf("code %d, stderr %q; want %q", outcome.Code, outcome.Stderr, want)
	}
	if text := outcome.Stdout + outcome.Stderr; strings.Contains(text, "hunter2") || strings.Contains(text, "goroutine ") {
		t.Errorf("it says too much: %s", text)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	if got := apptest.MustCommand(t, onSQLite(t), "version"); !strings.HasPrefix(got, "chaveiro ") ||
		!strings.Contains(got, " go1.") {
		t.Errorf("got %q", got)
	}
}

// TestUsage: the version and the help are found wherever users look for them, and the exit codes
// distinguish a wrong command line from a failure.
func TestUsage(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]struct {
		code           int
		stdout, stderr string
	}{
		"--version":          {0, "chaveiro ", ""},
		"version":            {0, "chaveiro ", ""},
		"--help":             {0, "Usage: chaveiro <command>", ""},
		"help":               {0, "Usage: chaveiro <command>", ""},
		"help apikey create": {0, "Usage: chaveiro apikey create --name", ""},
		"apikey --help":      {0, "Usage: chaveiro apikey <command>", ""},
		"serve --help":       {0, "--request-timeout", ""},
		"":                   {2, "", "Try: chaveiro --help\n"},
		"nonsense":           {2, "", "Try: chaveiro --help\n"},
		"serve --nonsense":   {2, "", "Try: chaveiro serve --help\n"},
		"apikey create":      {2, "", "Try: chaveiro apikey create --help\n"},
		"apikey list":        {1, "", "there is no database"},
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			got := apptest.Command(t, onSQLite(t), strings.Fields(args)...)
			if got.Code != want.code || !strings.Contains(got.Stdout, want.stdout) ||
				!strings.Contains(got.Stderr, want.stderr) ||
				want.code == 0 && got.Stderr != "" || want.code != 0 && got.Stdout != "" {
				t.Errorf("%+v", got)
			}
		})
	}
}
