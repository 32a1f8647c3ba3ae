package app_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/mail/mailtest"
	"github.com/chaveiro/chaveiro/pkg/telemetry/telemetrytest"
)

// TestMail: a server mails through a real mail server what happens, once, and goes on at once when
// it is started again; neither its log nor a command shows the password.
func TestMail(t *testing.T) {
	t.Parallel()
	exim := mailtest.NewExim(t)
	settings := []string{
		"--smtp-host", exim.Server.Host, "--smtp-port", strconv.Itoa(exim.Server.Port), "--smtp-ca", exim.Server.CAFile,
		"--smtp-user", exim.Server.User, "--smtp-password-file", exim.Server.PasswordFile, "--smtp-from", exim.Server.From,
	}
	collector, o := telemetrytest.Start(t), onSQLite(t)
	o.Args = append([]string{"--mail-interval", "1s", "--otlp-endpoint", collector.URL}, settings...)
	p := apptest.Start(t, o)
	client := login(t, p)
	noc := map[string]any{"address": "noc@example.com"}
	if err := client.Do(t.Context(), "POST", "/api/mail/recipients", noc, nil); err != nil {
		t.Fatal(err)
	}
	createCA(t, client, "Matriz")
	awaitLetters(t, exim, 1)
	awaitMetric(t, client, "chaveiro_mail_sent_total 1", "chaveiro_mail_waiting 0", "chaveiro_mail_sender 1")
	collector.Await(t, "", func(s telemetrytest.Span) bool { return s.Name == "send mail" && !s.Failed })
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	again := apptest.Start(t, o)
	client.URL = again.URL
	createCA(t, client, "Filial")
	awaitLetters(t, exim, 2)
	tested := apptest.Command(t, o, append([]string{"mail", "test", "noc@example.com"}, settings...)...)
	if tested.Code != 0 || !strings.Contains(tested.Stdout, "has taken a letter to noc@example.com") {
		t.Errorf("%+v", tested)
	}
	subjects := map[string]int{}
	for _, letter := range exim.Letters(t) {
		subjects[mailtest.Parts(t, letter).Subject]++
	}
	for _, want := range []string{"Autoridade certificadora Matriz", "Autoridade certificadora Filial", "Teste: o envio"} {
		found := 0
		for subject, n := range subjects {
			if strings.Contains(subject, want) {
				found += n
			}
		}
		if found != 1 {
			t.Errorf("%d letters about %q in %v", found, want, subjects)
		}
	}
	if said := p.Log() + again.Log() + tested.Stdout + tested.Stderr; strings.Contains(said, mailtest.EximPassword) {
		t.Error("the password is shown")
	}
}

// letterPatience is how long a letter may take. It is shorter than the lease of a server that did
// not give it back.
const letterPatience = 60 * time.Second

func awaitLetters(t *testing.T, exim *mailtest.Exim, n int) {
	t.Helper()
	for end := time.Now().Add(letterPatience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if len(exim.Letters(t)) >= n {
			return
		}
	}
	t.Fatalf("%d letters: %s", len(exim.Letters(t)), exim.Log())
}

// awaitMetric waits until the metrics have these lines.
func awaitMetric(t *testing.T, client *apptest.Client, lines ...string) {
	t.Helper()
	var text string
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		got, err := client.Bytes(t.Context(), "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		text = string(got)
		missing := 0
		for _, line := range lines {
			if !strings.Contains(text, "\n"+line+"\n") {
				missing++
			}
		}
		if missing == 0 {
			return
		}
	}
	t.Errorf("no %q in the metrics", lines)
}

// TestMailConfig_Validate: settings that can't work are refused at start, by their names.
func TestMailConfig_Validate(t *testing.T) {
	t.Parallel()
	for want, config := range map[string]app.MailConfig{
		"":                   {},
		"smtp-host":          {SMTPFrom: "a@b.c"},
		"smtp-from":          {SMTPHost: "h"},
		"smtp-mode":          {SMTPHost: "h", SMTPFrom: "a@b.c", SMTPMode: "ssl"},
		"smtp-port":          {SMTPHost: "h", SMTPFrom: "a@b.c", SMTPPort: -1},
		"smtp-user":          {SMTPHost: "h", SMTPFrom: "a@b.c", SMTPUser: "u"},
		"smtp-user is not":   {SMTPHost: "h", SMTPFrom: "a@b.c", SMTPUser: "u", SMTPPasswordFile: "f", SMTPMode: "plain-remote"},
		"mail-interval":      {MailInterval: time.Millisecond},
		"mail-interval is n": {SMTPHost: "h", SMTPFrom: "a@b.c", MailInterval: 48 * time.Hour},
	} {
		err := config.Validate()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%+v: %v, want %q", config, err, want)
		}
	}
}
