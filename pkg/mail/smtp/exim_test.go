package smtp_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/mail/mailtest"
	"github.com/chaveiro/chaveiro/pkg/mail/smtp"
)

func sample(to string) smtp.Message {
	return smtp.Message{
		To: to, ID: "0123@example.com", Date: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC),
		Subject: "[vpn.example.com] Certificado de São Paulo: atenção", Language: "pt-BR", Text: "Olá, é um teste.\n",
		HTML: "<p>Olá, é um teste.</p>\n",
	}
}

func send(t *testing.T, s smtp.Server, list ...smtp.Message) (errs []error) {
	t.Helper()
	line, err := s.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	for _, m := range list {
		errs = append(errs, line.Send(m))
	}
	return errs
}

// TestExim: a real mail server takes letters after STARTTLS and authentication, several over one
// connection.
func TestExim(t *testing.T) {
	t.Parallel()
	exim := mailtest.NewExim(t)
	for _, err := range send(t, exim.Server, sample("noc@example.com"), sample("two@example.com")) {
		if err != nil {
			t.Fatal(err, exim.Log())
		}
	}
	letters := exim.Letters(t)
	if len(letters) != 2 {
		t.Fatal(len(letters), exim.Log())
	}
	first := letters[0]
	if first.Header.Get("To") != "<noc@example.com>" {
		first = letters[1]
	}
	for name, want := range map[string]string{
		"Message-Id": "<0123@example.com>", "Auto-Submitted": "auto-generated", "Date": "Wed, 04 Mar 2026 12:00:00 +0000",
		"From": `"Chaveiro" <chaveiro@example.com>`, "To": "<noc@example.com>", "Return-Path": "<chaveiro@example.com>",
		"X-Mailer": "", "User-Agent": "", "Content-Language": "pt-BR",
	} {
		if got := first.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	body, err := io.ReadAll(first.Body)
	if err != nil || !strings.Contains(string(body), "text/plain") || !strings.Contains(string(body), "text/html") {
		t.Error(err, string(body))
	}
}
