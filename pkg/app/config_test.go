package app_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

func TestConfig_Validate(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*app.Config)
		faults []string // none: it is valid
	}{
		"nothing set": {func(*app.Config) {}, nil},
		"PostgreSQL": {
			func(c *app.Config) { c.DatabaseURL = "postgresql://db.example.com/chaveiro" }, nil,
		},
		"an SQLite file":      {func(c *app.Config) { c.DatabaseURL = "/var/lib/chaveiro/chaveiro.db" }, nil},
		"an https URL":        {func(c *app.Config) { c.ExternalURL = "https://vpn.example.com" }, nil},
		"both TLS files":      {func(c *app.Config) { c.TLSCertificate, c.TLSKey = "a.crt", "a.key" }, nil},
		"a certificate alone": {func(c *app.Config) { c.TLSCertificate = "a.crt" }, []string{"tls-key"}},
		"a key alone":         {func(c *app.Config) { c.TLSKey = "a.key" }, []string{"tls-certificate"}},
		"a URL without a scheme": {
			func(c *app.Config) { c.ExternalURL = "vpn.example.com" }, []string{"external-url"},
		},
		"a URL of another scheme": {
			func(c *app.Config) { c.ExternalURL = "ftp://vpn.example.com" }, []string{"external-url"},
		},
		"a short life of CRLs": {func(c *app.Config) { c.CRLLife = time.Minute }, []string{"crl-life is below 1h"}},
		"a short life of answers": {
			func(c *app.Config) { c.OCSPLife = time.Minute }, []string{"ocsp-life is not between"},
		},
		"a long life of answers": {
			func(c *app.Config) { c.OCSPLife = 30 * 24 * time.Hour }, []string{"ocsp-life is not between"},
		},
		"the shortest lives": {func(c *app.Config) { c.CRLLife, c.SigningKeyLife = time.Hour, time.Hour }, nil},
		"a signing key for less": {
			func(c *app.Config) { c.SigningKeyLife = time.Hour - 1 }, []string{"signing-key-life is below 1h"},
		},
		"another database": {
			func(c *app.Config) { c.DatabaseURL = "mysql://chaveiro:hunter2@db/chaveiro" }, []string{"database-url"},
		},
		"a misspelt scheme": {
			func(c *app.Config) { c.DatabaseURL = "postgress://chaveiro:hunter2@db/chaveiro" },
			[]string{"database-url"},
		},
		"a list of keywords": {
			func(c *app.Config) { c.DatabaseURL = "host=db user=chaveiro password=hunter2" }, []string{"database-url"},
		},
		"a standby of SQLite": {
			func(c *app.Config) { c.ReadURL = "postgres://standby.example.com/chaveiro" },
			[]string{"read-url needs PostgreSQL", "database-url"},
		},
		"a standby that is a file": {
			func(c *app.Config) { c.DatabaseURL, c.ReadURL = "postgres://db.example.com/chaveiro", "standby.db" },
			[]string{"read-url is not postgres://"},
		},
		"a short lag":    {func(c *app.Config) { c.ReadLag = time.Millisecond }, []string{"read-lag is below 1s"}},
		"a negative lag": {func(c *app.Config) { c.ReadLag = -time.Second }, []string{"read-lag is below 1s"}},
		"a standby": {
			func(c *app.Config) {
				c.DatabaseURL, c.ReadURL = "postgres://db.example.com/chaveiro", "postgresql://standby.example.com/chaveiro"
			}, nil,
		},
		"several faults": {
			func(c *app.Config) { c.TLSKey, c.ExternalURL, c.CRLLife, c.SigningKeyLife = "a.key", "x", 0, 0 },
			[]string{"tls-certificate", "external-url", "crl-life", "signing-key-life"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := app.Config{CRLLife: 24 * time.Hour, SigningKeyLife: 24 * time.Hour}
			test.change(&config)
			err := config.Validate()
			if len(test.faults) == 0 && err != nil || len(test.faults) > 0 && err == nil {
				t.Fatalf("got %v, want faults of %q", err, test.faults)
			}
			for _, fault := range test.faults {
				if !strings.Contains(err.Error(), fault) || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("got %v, want a fault of %s without the password", err, fault)
				}
			}
		})
	}
}

func TestConfig_LogsNoSecret(t *testing.T) {
	t.Parallel()
	for name, location := range map[string]string{
		"in its place":                   "postgres://chaveiro:hunter2@db.example.com:5432/chaveiro",
		"as a parameter":                 "postgres://db.example.com/chaveiro?user=chaveiro&password=hunter2",
		"with a character that ends it":  "postgres://chaveiro:4/hunter2@db.example.com/chaveiro",
		"with a hash":                    "postgres://chaveiro:4#hunter2@db.example.com/chaveiro",
		"with a question mark":           "postgres://chaveiro:4?hunter2@db.example.com/chaveiro",
		"with a percent sign":            "postgres://chaveiro:%hunter2@db.example.com/chaveiro",
		"in place of the user":           "postgres://hunter2@/chaveiro?sslpassword=hunter2",
		"in a URL that is not validated": "mysql://chaveiro:hunter2@db.example.com/chaveiro",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "in place of the user" {
				location = strings.Replace(location, "hunter2@", "chaveiro:hunter2@", 1)
			}
			var log bytes.Buffer
			config := app.Config{
				StorageConfig: app.StorageConfig{DatabaseURL: app.URL(location), MasterKey: "1:bWFzdGVyIGtleQ=="},
			}
			slog.New(slog.NewJSONHandler(&log, nil)).Info("configuration", "config", config)
			if text := log.String(); strings.Contains(text, "hunter2") || strings.Contains(text, "bWFzdGVy") {
				t.Errorf("a secret is in the log: %s", text)
			}
		})
	}
}

// TestServer_SaysItsConfiguration: the log shows defaults, and the same settings when a variable
// and a flag set them.
func TestServer_SaysItsConfiguration(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		env, args []string
		once      bool
		life      time.Duration
	}{
		"nothing set": {nil, nil, false, 720 * time.Hour},
		"all set": {
			[]string{"CHAVEIRO_APIKEY_TOKENS_ONCE=true"}, []string{"--signing-key-life", "1h"}, true, time.Hour,
		},
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
			if said["apikey-tokens-once"] != test.once || said["signing-key-life"] != test.life.String() {
				t.Errorf("it says %v", said)
			}
			c := login(t, p)
			if shown := find(t, c, t.Name()).Token == c.Token; shown == test.once {
				t.Errorf("the token is shown to a superuser: %t", shown)
			}
		})
	}
}

// TestServer_LogsNoSecret looks at all output of a server from its start to its end.
func TestServer_LogsNoSecret(t *testing.T) {
	t.Parallel()
	o := onPostgres(t)
	o.DatabaseURL = strings.Replace(o.DatabaseURL, "postgres:///", "postgres://postgres:hunter2@/", 1) +
		"&password=hunter3"
	const key = "bWFzdGVyIGtleSBvZiB0aGUgdGVzdHMsIDMyIGJ5dGU="
	o.Env, o.Args = []string{"CHAVEIRO_MASTER_KEY=7:" + key}, []string{"--log-level", "debug"}
	p := apptest.Start(t, o)
	c := login(t, p)
	authority := createCA(t, c, "quiet")
	site := create(
		t, c, clients, object{
			"ca_id": authority.ID, "name": "site", "email": "site@example.com", "password": "hunter4",
		},
	)
	get(t, c, clientPath(site.ID, "/key"))
	create(t, c, "/api/users", object{"username": "maria", "password": "hunter5 no telhado azul"})
	maria, err := signIn(c, t, "maria", "hunter5 no telhado azul")
	if err != nil {
		t.Fatal(err)
	}
	// the password as the name
	if _, err := signIn(c, t, "hunter6", "hunter6 hunter6"); statusOf(err) != http.StatusUnauthorized {
		t.Error(err)
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	log := p.Log()
	for _, secret := range []string{
		"hunter2", "hunter3", "hunter4", "hunter5", "hunter6", key, c.Token, maria.Refresh, maria.Access, "PRIVATE KEY",
	} {
		if strings.Contains(log, secret) {
			t.Errorf("%s is in the log:\n%s", secret, log)
		}
	}
	for _, text := range []string{
		`"database":"postgres://postgres:xxxxx@`, `"master_key":"environment"`, `"msg":"changed"`,
	} {
		if !strings.Contains(log, text) {
			t.Errorf("no %s in the log:\n%s", text, log)
		}
	}
}

// TestConfig_SaysEverySetting: the log shows every setting, also those that are added later, and
// durations are text.
func TestConfig_SaysEverySetting(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	config := app.Config{
		StorageConfig: app.StorageConfig{MasterKey: "1:bWFzdGVyIGtleQ=="},
		ExternalURL:   "https://user:hunter2@vpn.example.com",
	}
	slog.New(slog.NewJSONHandler(&log, nil)).Info("configuration", "config", config)
	var line struct{ Config map[string]any }
	if err := json.Unmarshal(log.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	flags := 0
	for _, field := range reflect.VisibleFields(reflect.TypeFor[app.Config]()) {
		if field.Anonymous || field.Tag.Get("kong") == "-" {
			continue
		}
		flags++
		name := strings.ReplaceAll(strings.TrimPrefix(strings.ToLower(field.Tag.Get("env")), "chaveiro_"), "_", "-")
		said, ok := line.Config[name]
		if _, isText := said.(string); !ok || field.Type == reflect.TypeFor[time.Duration]() && !isText {
			t.Errorf("%s (%s): %v", field.Name, name, said)
		}
	}
	if flags < 20 {
		t.Errorf("only %d settings were looked at", flags)
	}
	if text := log.String(); strings.Contains(text, "hunter2") || strings.Contains(text, "bWFzdGVy") {
		t.Errorf("a secret is in the log: %s", text)
	}
}
