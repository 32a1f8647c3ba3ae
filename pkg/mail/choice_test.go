package mail_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/mail"
	"github.com/chaveiro/chaveiro/pkg/mail/mailtest"
	"github.com/chaveiro/chaveiro/pkg/service"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestPost_Choice: a recipient gets the types, the resource and the days that it has chosen, and
// nothing while it is disabled.
func TestPost_Choice(t *testing.T) {
	onBoth(t, func(t *testing.T, s stage) {
		s.recipient(t, "keys@example.com", func(r *domain.MailRecipient) { r.Events = []string{"key.exported"} })
		s.recipient(t, "second@example.com", func(r *domain.MailRecipient) {
			r.Resource, r.ResourceID = domain.ScopeClients, 2
		})
		s.recipient(t, "last-day@example.com", func(r *domain.MailRecipient) { r.Days = 1 })
		asleep := s.recipient(t, "asleep@example.com", func(r *domain.MailRecipient) { r.Enabled = false })
		s.happen(t, domain.EventCertificateExpiring, "a", "b")
		s.happen(t, domain.EventKeyExported, "a", "b", "c")
		s.pass(t, mail.DefaultInterval)
		Must(s.MailRecipients.Update(Operator(t), asleep.ID, domain.MailRecipientUpdate{Enabled: new(true)}))(t)
		s.happen(t, domain.EventCADeleted, "a")
		s.pass(t, mail.DefaultInterval)
		got := map[string]string{}
		for _, letter := range s.letters(t) {
			got[letter.To] += fmt.Sprint(events(t, letter), " ")
		}
		WantSame(t, got, map[string]string{
			"keys@example.com": "3 ", "second@example.com": "2 ", "last-day@example.com": "3 1 ", "asleep@example.com": "1 ",
		})
	})
}

// TestPost_Changed: what waits follows the choice as it is when it is sent.
func TestPost_Changed(t *testing.T) {
	onBoth(t, func(t *testing.T, s stage) {
		r := s.recipient(t, "noc@example.com")
		s.faulty.Fail(mailtest.Busy)
		s.happen(t, domain.EventKeyExported, "a")
		s.pass(t, mail.DefaultInterval)
		s.faulty.Fail(mailtest.None)
		Must(s.MailRecipients.Update(Operator(t), r.ID, domain.MailRecipientUpdate{Events: []string{"ca.deleted"}}))(t)
		s.happen(t, domain.EventCADeleted, "b")
		s.pass(t, time.Hour)
		s.pass(t, mail.DefaultInterval)
		letters := s.letters(t)
		WantSame(t, len(letters), 1)
		if !strings.Contains(letters[0].Subject, "Certificate authority b") {
			t.Error(letters[0].Subject)
		}
	})
}

// TestTest: a test letter is sent at once, and what the server says is told.
func TestTest(t *testing.T) {
	onBoth(t, func(t *testing.T, s stage) {
		r := s.recipient(t, "noc@example.com", func(r *domain.MailRecipient) { r.Enabled = false })
		done := Must(s.MailRecipients.Test(Operator(t), r.ID))(t)
		letters := s.letters(t)
		WantSame(t, len(letters), 1)
		WantSame(t, letters[0].ID, "<"+done.MessageID+">")
		WantSame(t, done.Failure, "")
		s.faulty.Fail(mailtest.NoUser)
		done = Must(s.MailRecipients.Test(Operator(t), r.ID))(t)
		if !strings.Contains(done.Failure, "no such user") {
			t.Error(done.Failure)
		}
		WantSame(t, Must(s.MailRecipients.Get(t.Context(), r.ID))(t), r)
		silent := s.With(t, func(set *service.Settings) { set.MailServer.Host = "" })
		_, err := silent.MailRecipients.Test(Operator(t), r.ID)
		WantFault(t, err, domain.Rule)
		silent.Post.Keep(t.Context()) // returns at once
	})
}

// TestPost_Exim: a real mail server delivers the letters of an outage, to those whom it knows.
func TestPost_Exim(t *testing.T) {
	t.Parallel()
	exim := mailtest.NewExim(t)
	s := stage{World: stageOn(t, NewSQLite(t)).With(t, func(set *service.Settings) { set.MailServer = exim.Server })}
	s.recipient(t, "noc@example.com", func(r *domain.MailRecipient) { r.Language = domain.MailPortuguese })
	gone, busy := s.recipient(t, "nobody@example.com"), s.recipient(t, "busy@example.com")
	s.happen(t, domain.EventCertificateExpiring, "Filial São Paulo", "x\r\nBcc: evil@example.com")
	s.pass(t, mail.DefaultInterval)
	letters := exim.Letters(t)
	if len(letters) != 1 {
		t.Fatal(len(letters), exim.Log())
	}
	read := mailtest.Parts(t, letters[0])
	if read.To != "noc@example.com" || read.Subject != "[Chaveiro] Certificados perto do vencimento (2)" ||
		!strings.Contains(read.Text, "O certificado de Filial São Paulo") || letters[0].Header.Get("Bcc") != "" {
		t.Errorf("%+v", read)
	}
	if r := Must(s.MailRecipients.Get(t.Context(), gone.ID))(t); r.FailedAt.IsZero() || !strings.Contains(r.Failure, "no such user") {
		t.Errorf("%+v", r)
	}
	if r := Must(s.MailRecipients.Get(t.Context(), busy.ID))(t); !r.FailedAt.IsZero() || r.Attempts != 1 {
		t.Errorf("%+v", r)
	}
}
