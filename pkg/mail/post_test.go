package mail_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/mail"
	"github.com/chaveiro/chaveiro/pkg/mail/mailtest"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestPost_Digest: 500 events of a kind become one letter, with the first names and a count; what
// comes after it waits, and becomes the next one.
func TestPost_Digest(t *testing.T) {
	onBoth(t, func(t *testing.T, s stage) {
		s.happen(t, domain.EventCertificateExpiring, "before the recipient")
		s.recipient(t, "noc@example.com")
		s.publish(t)
		s.pass(t, mail.DefaultInterval) // that the recipient was created is told by the stream or not
		begun := len(s.letters(t))
		s.happen(t, domain.EventCertificateExpiring, numbered(500)...)
		Check(t, s.Post.Round(t.Context()))
		WantSame(t, len(s.letters(t)), begun)
		s.pass(t, 30*time.Second)
		letters := s.letters(t)
		WantSame(t, len(letters), begun+1)
		first := letters[begun]
		if events(t, first) != 500 || !strings.Contains(first.Text, "site-0024") || strings.Contains(first.Text, "site-0025") ||
			!strings.Contains(first.Text, "475 more") || strings.Contains(first.Text, "before") ||
			first.Subject != "[Chaveiro] Certificates that end soon (500)" {
			t.Errorf("%s\n%s", first.Subject, first.Text)
		}
		s.happen(t, domain.EventKeyExported, "one")
		s.happen(t, domain.EventCADeleted, "two")
		s.pass(t, 4*time.Minute)
		WantSame(t, len(s.letters(t)), begun+1)
		s.pass(t, time.Minute)
		letters = s.letters(t)
		WantSame(t, len(letters), begun+2)
		WantSame(t, events(t, letters[begun+1]), 2)
		s.pass(t, time.Hour)
		WantSame(t, len(s.letters(t)), begun+2)
	})
}

// TestPost_Storm: however much happens, a recipient gets one letter in the interval.
func TestPost_Storm(t *testing.T) {
	onBoth(t, func(t *testing.T, s stage) {
		s.recipient(t, "noc@example.com")
		const minutes = 30
		for i := range minutes {
			s.happen(t, domain.EventLoginRefused, numbered(20)...)
			s.pass(t, time.Minute)
			if i == minutes-1 {
				s.pass(t, mail.DefaultInterval)
			}
		}
		total := 0
		for _, letter := range s.letters(t) {
			total += events(t, letter)
		}
		if n := len(s.letters(t)); n > minutes/5+2 || n < minutes/5 {
			t.Errorf("%d letters in %d minutes", n, minutes)
		}
		WantSame(t, total, minutes*20)
	})
}

// TestPost_Replicas: while two replicas both think that they are the one that sends, each recipient
// gets each event in one letter, which may come twice with the same id.
func TestPost_Replicas(t *testing.T) {
	onBoth(t, func(t *testing.T, s stage) {
		replicas := []stage{s, s.replica(t)}
		for i := range 5 {
			s.recipient(t, fmt.Sprintf("r%d@example.com", i))
		}
		const rounds = 4
		for range rounds {
			s.happen(t, domain.EventKeyExported, numbered(30)...)
			for range 3 {
				var workers sync.WaitGroup
				for _, one := range replicas {
					workers.Go(func() {
						for range 3 {
							if err := one.Post.Round(t.Context()); err != nil {
								t.Error(err)
							}
						}
					})
				}
				workers.Wait()
				s.Clock.Pass(mail.DefaultInterval)
			}
		}
		got := s.byID(t)
		for i := range 5 {
			WantSame(t, got[fmt.Sprintf("r%d@example.com", i)], rounds*30)
		}
	})
}

// TestPost_Later: a letter that was put off is sent again as it is, with its Message-ID, after
// pauses that get longer; others go on.
func TestPost_Later(t *testing.T) {
	onBoth(t, func(t *testing.T, s stage) {
		slow := s.recipient(t, "slow@example.com")
		s.recipient(t, "other@example.com")
		s.faulty.Fail(mailtest.Busy, "slow@example.com")
		s.happen(t, domain.EventKeyExported, "one")
		s.pass(t, mail.DefaultInterval)
		WantSame(t, len(s.letters(t)), 1)
		r := Must(s.MailRecipients.Get(t.Context(), slow.ID))(t)
		if r.Attempts != 1 || !strings.Contains(r.Failure, "mailbox busy") || !r.Waits() || !r.FailedAt.IsZero() {
			t.Errorf("%+v", r)
		}
		id := r.MessageID
		s.happen(t, domain.EventKeyExported, "two")
		tries := s.faulty.Tries()
		s.pass(t, 30*time.Second)
		WantSame(t, s.faulty.Tries(), tries)
		for range 8 {
			s.pass(t, time.Hour)
		}
		s.faulty.Fail(mailtest.None)
		s.pass(t, time.Hour)
		var mine []mailtest.Read
		for _, letter := range s.letters(t) {
			if letter.To == "slow@example.com" {
				mine = append(mine, letter)
			}
		}
		WantSame(t, len(mine), 1)
		WantSame(t, mine[0].ID, "<"+id+">")
		WantSame(t, events(t, mine[0]), 1)
		s.pass(t, mail.DefaultInterval)
		r = Must(s.MailRecipients.Get(t.Context(), slow.ID))(t)
		if r.Sent != 2 || r.Attempts != 0 || r.Failure != "" || r.Waits() {
			t.Errorf("%+v", r)
		}
	})
}

// TestPost_Refused: an address that is refused for good gets nothing more, others do; when it is
// enabled again it gets what has happened since.
func TestPost_Refused(t *testing.T) {
	onBoth(t, func(t *testing.T, s stage) {
		gone := s.recipient(t, "gone@example.com")
		s.recipient(t, "other@example.com")
		s.faulty.Fail(mailtest.NoUser, "gone@example.com")
		s.happen(t, domain.EventKeyExported, "one")
		s.pass(t, mail.DefaultInterval)
		r := Must(s.MailRecipients.Get(t.Context(), gone.ID))(t)
		if !r.FailedAt.Equal(s.Clock.Now()) || !strings.Contains(r.Failure, "no such user") {
			t.Errorf("%+v", r)
		}
		tries := s.faulty.Tries()
		s.happen(t, domain.EventKeyExported, "two")
		s.pass(t, 24*time.Hour)
		WantSame(t, s.faulty.Tries(), tries+1)
		WantSame(t, len(s.letters(t)), 2)
		s.faulty.Fail(mailtest.None)
		r = Must(s.MailRecipients.Update(Operator(t), gone.ID, domain.MailRecipientUpdate{Enabled: new(true)}))(t)
		WantSame(t, r.Failure, "")
		s.pass(t, mail.DefaultInterval)
		s.pass(t, mail.DefaultInterval)
		total := 0
		for _, letter := range s.letters(t)[2:] {
			if letter.To == "gone@example.com" {
				total += events(t, letter)
			}
		}
		if total < 2 {
			t.Errorf("%d events", total)
		}
	})
}

// TestPost_Away: when the mail server is away for a week, and the replica that sent too, nothing is
// lost, and it becomes two letters: the one that was on its way, and all the rest.
func TestPost_Away(t *testing.T) {
	onBoth(t, func(t *testing.T, s stage) {
		s.recipient(t, "noc@example.com")
		s.Post.Server.Port = 1 // nobody listens there
		s.happen(t, domain.EventKeyExported, "first")
		s.pass(t, mail.DefaultInterval)
		for range 7 * 4 {
			s.happen(t, domain.EventKeyExported, numbered(10)...)
			s.pass(t, 6*time.Hour)
		}
		if h := s.Post.Health(); h.Failed["server"] < 7 || h.Waiting != 1 || h.Sent != 0 || !h.Leads {
			t.Errorf("%+v", h)
		}
		next := s.replica(t)
		for range 3 {
			next.pass(t, mail.DefaultInterval)
		}
		letters := s.letters(t)
		WantSame(t, len(letters), 2)
		WantSame(t, events(t, letters[0]), 1)
		WantSame(t, events(t, letters[1]), 280)
		if !strings.Contains(letters[1].Text, "This message is late") {
			t.Error(letters[1].Text)
		}
	})
}

// TestPost_Cut: whenever the connection or the process ends, the letter is sent again as it was, by
// the replica that leads then.
func TestPost_Cut(t *testing.T) {
	for _, fault := range []mailtest.Fault{mailtest.DropData, mailtest.DropTaken, mailtest.Closing} {
		t.Run(fmt.Sprint(fault), func(t *testing.T) {
			onBoth(t, func(t *testing.T, s stage) {
				s.recipient(t, "noc@example.com")
				s.faulty.Fail(fault)
				s.happen(t, domain.EventKeyExported, numbered(40)...)
				s.pass(t, mail.DefaultInterval)
				s.happen(t, domain.EventCADeleted, "after")
				s.faulty.Fail(mailtest.None)
				next := s.replica(t) // this one is gone, without giving the lease back
				for range 3 {
					next.pass(t, mail.DefaultInterval)
				}
				distinct := map[string]mailtest.Read{}
				for _, letter := range s.letters(t) {
					if before, ok := distinct[letter.ID]; ok {
						WantSame(t, letter, before)
					}
					distinct[letter.ID] = letter
				}
				total := 0
				for _, letter := range distinct {
					total += events(t, letter)
				}
				WantSame(t, len(distinct), 2)
				WantSame(t, total, 41)
			})
		})
	}
}
