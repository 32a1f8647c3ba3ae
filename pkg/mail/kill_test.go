package mail_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/mail"
	"github.com/chaveiro/chaveiro/pkg/mail/mailtest"
	"github.com/chaveiro/chaveiro/pkg/mail/smtp"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/store"
	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
)

// childVariable tells this binary to send mail instead of testing: the port of the mail server,
// when the clock began, and the database.
const childVariable = "CHAVEIRO_TEST_MAIL"

// speed is how much faster the clock of the child is, so that leases end soon.
const speed = 100

func child(text string) {
	parts := strings.SplitN(text, " ", 3)
	port, _ := strconv.Atoi(parts[0])
	began, _ := strconv.ParseInt(parts[1], 10, 64)
	start := time.UnixMicro(began)
	db, err := store.Open(context.Background(), parts[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	post := &mail.Post{
		Store: db, Server: smtp.Server{Host: "127.0.0.1", Port: port, Mode: smtp.Plain, From: "a@b.example"},
		Interval: time.Second, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Now: func() time.Time { return start.Add(time.Since(start) * speed) },
	}
	_ = post.Keep(context.Background())
}

// TestKill: processes that send are killed at random, again and again. Each event is in a letter,
// and in no two with different ids.
func TestKill(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it starts and kills processes")
	}
	location := pgtest.URL(t, func(ctx context.Context, url string) error {
		s, err := store.Open(ctx, url)
		if err != nil {
			return err
		}
		_, err = s.MigrateUp(ctx)
		return errors.Join(err, s.Close())
	})
	db := Must(store.Open(t.Context(), location))(t)
	t.Cleanup(func() { db.Close() })
	s := stageOn(t, db)
	s.recipient(t, "noc@example.com")
	s.recipient(t, "two@example.com")
	setting := fmt.Sprintf("%s=%d %d %s", childVariable, s.faulty.Server.Port, time.Now().UnixMicro(), location)
	const kills, each = 6, 20
	for i := range kills {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), setting)
		cmd.Stderr = t.Output()
		Check(t, cmd.Start())
		s.happen(t, domain.EventKeyExported, numbered(each)...)
		if i < kills-1 {
			time.Sleep(800*time.Millisecond + rand.N(1500*time.Millisecond))
		} else {
			s.await(t, 2*kills*each)
		}
		Check(t, cmd.Process.Kill())
		_ = cmd.Wait()
	}
	if got := s.byID(t); got["noc@example.com"] != kills*each || got["two@example.com"] != kills*each {
		t.Errorf("%v, want %d events each", got, kills*each)
	}
}

// await waits until so many events were told.
func (s stage) await(t *testing.T, want int) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		got := s.byID(t)
		if got["noc@example.com"]+got["two@example.com"] >= want {
			return
		}
	}
	t.Errorf("after 30 s: %v", s.byID(t))
}

// byID is how many events each recipient was told, letters that came twice counted once.
func (s stage) byID(t testing.TB) map[string]int {
	t.Helper()
	got, seen := map[string]int{}, map[string]mailtest.Read{}
	for _, letter := range s.letters(t) {
		if before, ok := seen[letter.ID]; ok {
			WantSame(t, letter, before)
			continue
		}
		seen[letter.ID] = letter
		got[letter.To] += events(t, letter)
	}
	return got
}
