package mail_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/mail"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// BenchmarkPost_Round looks at 10 000 events for 200 recipients, of whom nobody gets a letter yet,
// and once more when nothing is new.
func BenchmarkPost_Round(b *testing.B) {
	s := stageOn(b, NewSQLite(b))
	for i := range domain.MaxMailRecipients {
		s.recipient(b, fmt.Sprintf("r%d@example.com", i))
	}
	s.happen(b, domain.EventKeyExported, numbered(10_000)...)
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			post := &mail.Post{Store: s.Store, Server: s.faulty.Server, Now: s.Clock.Now, Log: s.Settings.Log}
			Check(b, post.Round(b.Context()))
			s.Clock.Pass(time.Microsecond)
		}
	})
	Check(b, s.Post.Round(b.Context()))
	b.Run("idle", func(b *testing.B) {
		for b.Loop() {
			Check(b, s.Post.Round(b.Context()))
		}
	})
}
