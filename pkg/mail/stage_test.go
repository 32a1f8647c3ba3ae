package mail_test

import (
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/mail/mailtest"
	"github.com/chaveiro/chaveiro/pkg/service"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// stage is a world with a mail server.
type stage struct {
	*World
	faulty *mailtest.Faulty
}

// onBoth runs a test on each kind of database.
func onBoth(t *testing.T, test func(t *testing.T, s stage)) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, stageOn(t, open(t)))
		})
	}
}

func (s stage) replica(t testing.TB) stage {
	t.Helper()
	s.World = s.With(t, func(set *service.Settings) { set.Log = slog.New(slog.DiscardHandler) })
	return s
}

// recipient adds one that gets everything, in English.
func (s stage) recipient(t testing.TB, address string, alter ...func(*domain.MailRecipient)) domain.MailRecipient {
	t.Helper()
	r := domain.MailRecipient{
		Address: address, Language: domain.MailEnglish, Events: []string{"all"}, Days: 90, Enabled: true,
	}
	for _, change := range alter {
		change(&r)
	}
	return Must(s.MailRecipients.Create(Operator(t), r))(t)
}

// happen publishes events of a type.
func (s stage) happen(t testing.TB, kind domain.EventType, names ...string) {
	t.Helper()
	Check(t, s.Store.Transact(t.Context(), func(tx domain.Store) error {
		for i, name := range names {
			if err := tx.Events().Add(t.Context(), domain.StreamEvent{
				Type: kind, At: s.Clock.Now(), Resource: domain.ScopeClients, ResourceID: int64(i + 1),
				ResourceName: name, Data: `{"days":7}`,
			}); err != nil {
				return err
			}
		}
		return nil
	}))
	s.publish(t)
}

func (s stage) publish(t testing.TB) {
	t.Helper()
	Must(s.Stream.Page(t.Context(), domain.StreamFilter{}, domain.PageRequest{Size: 1}, 0))(t)
}

// pass lets time pass, with a round before and after.
func (s stage) pass(t testing.TB, d time.Duration) {
	t.Helper()
	Check(t, s.Post.Round(t.Context()))
	s.Clock.Pass(d)
	Check(t, s.Post.Round(t.Context()))
}

// letters are those that were taken, decoded.
func (s stage) letters(t testing.TB) (all []mailtest.Read) {
	t.Helper()
	for _, letter := range s.faulty.Letters() {
		all = append(all, mailtest.Parts(t, letter))
	}
	return all
}

var told = regexp.MustCompile(`recorded (an event|(\d+) events)`)

// events is how many events a letter tells.
func events(t testing.TB, letter mailtest.Read) int {
	t.Helper()
	found := told.FindStringSubmatch(letter.Text)
	if found == nil {
		t.Fatalf("the letter does not say how many events: %s", letter.Text)
	}
	if found[2] == "" {
		return 1
	}
	n, _ := strconv.Atoi(found[2])
	return n
}

func numbered(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("site-%04d", i))
	}
	return list
}

// stageOn is a stage on a database.
func stageOn(t testing.TB, db *store.Store) stage {
	t.Helper()
	faulty := mailtest.NewFaulty(t, mailtest.Offer{})
	w := WorldOn(t, db, slog.DiscardHandler).With(t, func(set *service.Settings) { set.MailServer = faulty.Server })
	return stage{w, faulty}
}
