package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
)

// badInput is a setting or a flag with a value that is not allowed, and what is said of it.
type badInput struct {
	args  string // of the command, separated by |
	env   string
	file  string // the configuration file
	code  int
	words string
}

// TestBadInput: what can't be used is refused with one line that names the flag or the variable,
// whichever way it came in, and that says what is allowed. No error has a password.
func TestBadInput(t *testing.T) {
	t.Parallel()
	wantRefused(t, pkiDir(t), append(badSettings(), badCommands()...))
}

// TestBadInput_Postgres: what commands are given is refused alike on PostgreSQL. Settings are
// looked at before there is a database.
func TestBadInput_Postgres(t *testing.T) {
	t.Parallel()
	o := apptest.Prepared(t)
	binary, scratch := apptest.Binary(t), o
	o.DatabaseURL = pgtest.URL(t, func(_ context.Context, url string) error {
		scratch.DatabaseURL = url
		return apptest.Migrate(binary, scratch)
	})
	makePKI(t, o)
	wantRefused(t, o, badCommands())
}

func wantRefused(t *testing.T, o apptest.Options, tests []badInput) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.args+test.env+test.file, func(t *testing.T) {
			t.Parallel()
			one := o
			one.Env = append(one.Env[:len(one.Env):len(one.Env)], "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:9", "CHAVEIRO_LISTEN=127.0.0.1:0")
			if test.env != "" {
				one.Env = append(one.Env, test.env)
			}
			if test.file != "" {
				path := filepath.Join(t.TempDir(), "chaveiro.yaml")
				if err := os.WriteFile(path, []byte(test.file), 0o600); err != nil {
					t.Fatal(err)
				}
				one.Env = append(one.Env, "CHAVEIRO_CONFIG="+path)
			}
			out := apptest.Command(t, one, strings.Split(test.args, "|")...)
			said := strings.TrimSpace(out.Stderr[max(0, strings.Index(out.Stderr, "chaveiro: error:")):])
			if out.Code != test.code || !strings.Contains(said, test.words) || strings.Contains(said, "\n") {
				t.Errorf("%d: %s", out.Code, said)
			}
			if strings.Contains(out.Stderr+out.Stdout, "s3cret") {
				t.Errorf("a secret is told: %s", out.Stderr)
			}
		})
	}
}

// badSettings are settings, as flags, variables and in the file.
func badSettings() (all []badInput) {
	for i, one := range []struct{ name, value, words string }{
		{"key-stores", "hsm", "key-stores: not the URI of a key: a key store is not NAME=URI"},
		{"key-stores", "hsm=x", "key-stores: key store hsm: not the URI of a key: it does not begin with a scheme"},
		{"key-stores", "hsm=ftp:a=b", "the scheme is none of awskms, pkcs11, transit"},
		{"key-stores", "database=awskms:region=eu", "key-stores: database is the name of the database itself"},
		{"key-stores", "a=awskms:region=eu a=awskms:region=us", "two key stores have the name a"},
		{"key-stores", "bao=transit:mount=t?address=http://example.com&token-source=file:/t", "address is https://host:port"},
		{"key-stores", "bao=transit:?address=https://h&token-source=t", "token-source and ca-file are file:"},
		{"key-stores", "bao=transit:?address=https://h&token-source=file:/t&ca-file=file:/none", "ca-file has no certificates"},
		{"key-stores", "aws=awskms:", "it has no region"},
		{"key-stores", "hsm=pkcs11:token=a?module-path=/x.so&pin-value=s3cret", "a PIN has no place in it"},
		{"key-stores", "hsm=pkcs11:token=a?module-path=x.so", "module-path is the absolute path"},
		{"read-url", "http://u:s3cret@h", "read-url is not postgres://"},
		{"read-url", "postgres://u:s3cret@h/db", "read-url needs PostgreSQL: database-url is not postgres://…"},
		{"read-lag", "10ms", "read-lag is below 1s"},
		{"read-lag", "0s", "read-lag: below 1s"},
		{"read-lag", "soon", "read-lag: not a duration"},
		{"slow-query", "-1s", "slow-query is below 0"},
		{"slow-query", "slow", "slow-query: not a duration"},
		{"log-format", "xml", "log-format is neither json nor text"},
		{"log-format", "", "log-format: it is empty"},
		{"log-level", "loud", "log-level: not debug, info, warn or error"},
		{"trusted-proxies", "10.0.0.1", "trusted-proxies: not a network, as 10.0.0.0/8"},
		{"event-life", "0", "event-life: below 1h"},
		{"ocsp-life", "8d", "ocsp-life is not between 2m and 168h"},
		{"smtp-port", "70000", "smtp-port is not between 0 and 65535"},
		{"smtp-mode", "ssl", "smtp-mode is none of starttls, tls, plain and plain-remote"},
		{"rsa-workers", "-1", "rsa-workers is not between 0 and 1024"},
		{"listen", "", "listen: it is empty"},
		{"otlp-endpoint", "localhost:4317", "otlp-endpoint is not an http or https URL"},
		{"otlp-endpoint", "http://u:s3cret@h", "otlp-endpoint has a password: put it into OTEL_EXPORTER_OTLP_HEADERS"},
	} {
		variable := "CHAVEIRO_" + strings.ToUpper(strings.ReplaceAll(one.name, "-", "_"))
		bad := badInput{args: "serve", code: 2, words: one.words}
		way := i % 3 // all settings come in by the same three ways
		if one.name == "slow-query" || one.name == "listen" {
			way = 0 // the tests have variables of these, which go before the file
		}
		switch way {
		case 0:
			bad.args += "|--" + one.name + "=" + one.value
		case 1:
			bad.env = variable + "=" + one.value
		case 2:
			bad.file = one.name + ": '" + one.value + "'\n"
		}
		all = append(all, bad)
	}
	for variable, words := range map[string]string{
		"OTEL_EXPORTER_OTLP_PROTOCOL=grpc":           "http/protobuf is the only one",
		"OTEL_TRACES_SAMPLER=often":                  "OTEL_TRACES_SAMPLER is none of always_on",
		"OTEL_TRACES_SAMPLER_ARG=7":                  "OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1",
		"OTEL_EXPORTER_OTLP_HEADERS=s3cret":          "OTEL_EXPORTER_OTLP_HEADERS is not name=value",
		"OTEL_EXPORTER_OTLP_TIMEOUT=10s":             "OTEL_EXPORTER_OTLP_TIMEOUT is no whole number",
		"OTEL_EXPORTER_OTLP_CERTIFICATE=/none":       "OTEL_EXPORTER_OTLP_CERTIFICATE is no file",
		"OTEL_RESOURCE_ATTRIBUTES=x":                 "OTEL_RESOURCE_ATTRIBUTES is not name=value",
		"OTEL_SDK_DISABLED=yes":                      "OTEL_SDK_DISABLED is none of true, false",
		"OTEL_BSP_MAX_QUEUE_SIZE=many":               "OTEL_BSP_MAX_QUEUE_SIZE is not between",
		"OTEL_LOGS_EXPORTER=console":                 "OTEL_LOGS_EXPORTER is neither otlp nor none",
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=ftp://h": "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is not",
	} {
		all = append(all, badInput{args: "serve", env: variable, code: 2, words: words})
	}
	return all
}

// badCommands are flags and arguments of commands.
func badCommands() []badInput {
	return []badInput{
		{args: "serve|--pprof-socket=/", code: 1, words: "pprof-socket: / is there and is no socket"},
		{args: "apikey|create|--name=q|--allowed-ip=", code: 2, words: "--allowed-ip: it is empty"},
		{args: "apikey|create|--name=q|--role=", code: 2, words: "--role: it is empty"},
		{args: "user|unlock|--address=x", code: 2, words: "--address: not an address, as 192.0.2.1"},
		{args: "client|list|--ca=", code: 2, words: "--ca: it is empty"},
		{args: "client|list|--status=", code: 2, words: "--status: it is empty"},
		{args: "client|show|", code: 2, words: "<client>: it is empty"},
		{args: "cert|archive", code: 2, words: "--keep=DURATION"},
		{args: "cert|archive|--keep|x", code: 2, words: "--keep: not a duration"},
		{args: "cert|archive|--keep=-1d", code: 2, words: "--keep: below 30d"},
		{args: "cert|archive|--keep|29d|--yes", code: 2, words: "--keep: below 30d"},
		{args: "cert|archive|--keep|999999999d", code: 2, words: "--keep: the duration is too long"},
		{args: "cert|archived|list|--serial|zz", code: 2, words: "serial"},
		{args: "cert|archived|list|--ca|nobody", code: 3, words: `there is no CA named "nobody"`},
		{args: "cert|archived|list|--json|--csv", code: 2, words: "--json and --csv can't be used together"},
		{args: "cert|archived|show|xyz", code: 2, words: "neither a serial nor a SHA-256"},
		{args: "cert|archived|show|ab", code: 3, words: "in the archive"},
		{args: "database|sizes|--exact=x", code: 2, words: "--exact"},
		{args: "database|sizes|--database-url=mysql://u:s3cret@h/db", code: 2, words: "database-url is neither"},
		{args: "master-key|wrap|--out=-", code: 2, words: "--key=URI"},
		{args: "master-key|wrap|--key=x|--out=-", code: 2, words: "--key: not the URI of a key"},
		{args: "master-key|wrap|--key=transit:name=m?address=https://h|--out=-", code: 2, words: "--key: not the URI"},
		{args: "master-key|wrap|--key=transit:name=m|--out=-", code: 3, words: "see --key-stores"},
		{args: "master-key|remove|1", code: 2, words: "--keep FILE"},
		{args: "master-key|remove|x", code: 2, words: "<version>"},
		{args: "master-key|remove|9|--discard|--yes", code: 3, words: "version 9"},
		{args: "master-key|remove|9|--discard", code: 4, words: "--yes"},
		{args: "master-key|rotate|--wait=-1s", code: 2, words: "--wait"},
		{args: "master-key|rotate|--follow=x", code: 2, words: "--follow"},
		{args: "ca|create|--name=q|--email=a@example.com|--key-store=nope", code: 3, words: "--key-stores"},
		{args: "ca|create|--name=q|--email=a@example.com|--key=x", code: 2, words: "not the URI of a key"},
	}
}
