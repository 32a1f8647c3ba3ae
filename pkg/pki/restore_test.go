package pki_test

import (
	"crypto/x509"
	"log/slog"
	"math/big"
	"path/filepath"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
	"github.com/chaveiro/chaveiro/pkg/service"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// deed is something that happens to a client.
type deed func(t *testing.T, w *World, id int64)

// lives are what happens to a client before a backup and since, and what its certificates of before
// are after the backup was restored.
var lives = []struct {
	sentence      string
	before, since []deed
	want          string
}{
	{"nothing", nil, nil, "valid"},
	{"suspended since", nil, deeds(suspended), "certificateHold"},
	{"suspended and resumed since", nil, deeds(suspended, resumed), "valid"},
	{"suspended and revoked since", nil, deeds(suspended, compromised), "keyCompromise"},
	{"suspended, and suspended", deeds(suspended), nil, "certificateHold"},
	{"suspended, and resumed since: it can be resumed again", deeds(suspended), deeds(resumed), "certificateHold"},
	{"suspended, and revoked since", deeds(suspended), deeds(compromised), "keyCompromise"},
	{"suspended, resumed and revoked since", deeds(suspended), deeds(resumed, compromised), "keyCompromise"},
	{"suspended, and renewed since", deeds(suspended), deeds(renewed), "superseded"},
	{"resumed", deeds(suspended, resumed), nil, "valid"},
	{"resumed, and suspended since", deeds(suspended, resumed), deeds(suspended), "certificateHold"},
	{"resumed, suspended and resumed since", deeds(suspended, resumed), deeds(suspended, resumed), "valid"},
	{"resumed, and revoked since", deeds(suspended, resumed), deeds(compromised), "keyCompromise"},
	{"revoked", deeds(compromised), nil, "keyCompromise"},
	{"renewed since without an overlap", nil, deeds(renewedAtOnce), "superseded"},
	{"renewed since, and the overlap still runs", nil, deeds(renewed), "valid"},
	{"renewed and revoked since", nil, deeds(renewed, compromised), "keyCompromise"},
	{"renewed, and the overlap has ended since", nil, deeds(renewedForAMinute, overlapEnded), "superseded"},
	{"revoked, and renewed since", deeds(compromised), deeds(renewed), "keyCompromise"},
}

func deeds(list ...deed) []deed { return list }

func suspended(t *testing.T, w *World, id int64) { suspend(t, w, id) }

func resumed(t *testing.T, w *World, id int64) { Must(w.Clients.Resume(t.Context(), id))(t) }

func compromised(t *testing.T, w *World, id int64) {
	Must(w.Clients.Revoke(t.Context(), id, domain.RevocationSpec{
		Reason: domain.KeyCompromise, InvalidSince: Noon.Add(-Day),
	}))(t)
}

func renewFor(overlap time.Duration) deed {
	return func(t *testing.T, w *World, id int64) {
		Must(w.Clients.Renew(t.Context(), id, domain.ClientRenewal{Overlap: &overlap}))(t)
	}
}

var renewed, renewedForAMinute, renewedAtOnce = renewFor(Day), renewFor(time.Minute), renewFor(0)

func overlapEnded(t *testing.T, w *World, _ int64) {
	w.Clock.Pass(time.Minute)
	Check(t, w.Clients.RevokeSuperseded(t.Context()))
}

// TestRestore: after a restore nothing that was published as revoked is valid, but what was resumed
// before; whether the lost state can be read, or its last list is at hand, or both, also beside the
// list of the backup.
func TestRestore(t *testing.T) {
	t.Parallel()
	for sentence, choose := range map[string]func(lost pki.LostState, last, first []byte) pki.Since{
		"the lost state": func(lost pki.LostState, _, _ []byte) pki.Since { return pki.Since{Lost: lost} },
		"the last list":  func(_ pki.LostState, last, _ []byte) pki.Since { return pki.Since{CRLs: [][]byte{last}} },
		"both, and the list of the backup": func(lost pki.LostState, last, first []byte) pki.Since {
			return pki.Since{Lost: lost, CRLs: [][]byte{first, last}}
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			b := newBackup(t, choose)
			for i, life := range lives {
				t.Run(life.sentence, func(t *testing.T) { b.check(t, i, life.want) })
			}
			t.Run("what is restored is resumed, revoked and renewed as ever", b.testGoesOn)
		})
	}
}

// backup is a database that was restored, with a client for each of the lives.
type backup struct {
	*World
	clients   []domain.Client
	published *pki.SignedCRL // the last list before
}

// newBackup lets all clients live at once, because that is faster.
func newBackup(t *testing.T, choose func(lost pki.LostState, last, first []byte) pki.Since) *backup {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lost.db")
	w := worldAt(t, path)
	authority := w.NewCA(t)
	b := &backup{}
	for range lives {
		b.clients = append(b.clients, w.NewClient(t, authority.ID))
	}
	b.live(t, w, 0, func(i int) []deed { return lives[i].before })
	first := Must(w.CRLs.Current(t.Context(), authority.ID))(t) // on which all those are that are resumed next
	b.live(t, w, 1, func(i int) []deed { return lives[i].before })
	w.Current(t, authority.ID)
	restored := filepath.Join(t.TempDir(), "restored.db")
	w.Exec(t, "VACUUM INTO ?", restored)
	for round := range 2 {
		b.live(t, w, round, func(i int) []deed { return lives[i].since })
		b.published = Must(w.CRLs.Current(t.Context(), authority.ID))(t)
	}
	b.World = worldAt(t, restored, w)
	reading := Must(store.OpenReading(t.Context(), path))(t)
	defer reading.Close()
	Must(b.Restore.Complete(Operator(t), choose(reading, b.published.PEM, first.PEM)))(t)
	b.Clock.Pass(2 * time.Second) // the next list begins after every one that may have been published
	return b
}

// live does one of the deeds of each life.
func (b *backup) live(t *testing.T, w *World, round int, of func(life int) []deed) {
	t.Helper()
	for i, client := range b.clients {
		if list := of(i); round < len(list) {
			list[round](t, w, client.ID)
		}
	}
}

// worldAt is a world on an SQLite file, with the master key and the clock of another one, if any.
func worldAt(t *testing.T, path string, like ...*World) *World {
	t.Helper()
	s := Must(store.Open(t.Context(), path))(t)
	t.Cleanup(func() { Check(t, s.Close()) })
	Must(s.MigrateUp(t.Context()))(t)
	if len(like) == 0 {
		return WorldOn(t, s, slog.DiscardHandler)
	}
	w := &World{Settings: like[0].Settings, Clock: like[0].Clock, Store: s}
	w.Settings.Store = s
	w.Services = Must(service.New(t.Context(), w.Settings))(t)
	return w
}

func (b *backup) check(t *testing.T, life int, want string) {
	client := b.clients[life]
	wantLife(t, []*World{b.World, b.Replica(t)}, client.ID, want)
	list := b.Current(t, client.CAID)
	if list.Number.Int64() <= b.published.Number || !list.ThisUpdate.After(b.published.ThisUpdate) {
		t.Errorf("list %v of %v after %d of %v", list.Number, list.ThisUpdate, b.published.Number, b.published.ThisUpdate)
	}
	since := time.Time{}
	if want == "keyCompromise" {
		since = Noon.Add(-Day)
	}
	WantSame(t, invalidSince(t, listed(list)[client.Serial]), since)
	free := want != "valid" && want != "certificateHold"
	WantSame(t, Must(b.Store.Clients().NameTaken(t.Context(), client.Name, b.Clock.Now()))(t), !free)
}

// testGoesOn lets the clock go, because after a restore lists begin as late as they can.
func (b *backup) testGoesOn(t *testing.T) {
	for i, life := range lives {
		id := b.clients[i].ID
		b.Clock.Pass(2 * time.Second)
		_, err := b.Clients.Resume(t.Context(), id)
		final := NewFault(domain.Rule, "id", domain.ReasonRevoked)
		if life.want == "valid" || life.want == "certificateHold" {
			Check(t, err)
			wantLife(t, []*World{b.World}, id, "valid")
		} else {
			WantFaults(t, err, final)
		}
		suspendedToo := life.want
		b.Clock.Pass(2 * time.Second)
		if err == nil {
			suspended(t, b.World, id)
			suspendedToo = "certificateHold"
		}
		wantLife(t, []*World{b.World, b.Replica(t)}, id, suspendedToo)
		b.Clock.Pass(2 * time.Second)
		renewedAtOnce(t, b.World, id)
		if err == nil {
			suspendedToo = "superseded"
		}
		wantLife(t, []*World{b.World}, id, suspendedToo, "valid")
	}
}

// TestRestore_RevokeIssued: what was issued since is revoked, also what was resumed since, and what
// the list of an imported CA has revoked before stays as it is.
func TestRestore_RevokeIssued(t *testing.T) {
	t.Parallel()
	path, restored := filepath.Join(t.TempDir(), "lost.db"), filepath.Join(t.TempDir(), "restored.db")
	w := worldAt(t, path)
	old := NewForeignCA(t)
	authority := old.ImportInto(t, w, old.List(t, big.NewInt(1), entry(77, Noon.Add(-Day), int(domain.KeyCompromise))))
	w.Current(t, authority.ID)
	w.Exec(t, "VACUUM INTO ?", restored)
	issued, again := w.NewClient(t, authority.ID), w.NewClient(t, authority.ID)
	suspended(t, w, again.ID)
	resumed(t, w, again.ID)
	held := w.NewClient(t, authority.ID)
	suspended(t, w, held.ID)
	importNamed(t, w, old, authority.ID, Fresh("filial"), nil, func(c *x509.Certificate) { c.SerialNumber = big.NewInt(77) })
	w.Current(t, authority.ID)

	b := worldAt(t, restored, w)
	reading := Must(store.OpenReading(t.Context(), path))(t)
	defer reading.Close()
	Must(b.Restore.Complete(Operator(t), pki.Since{Lost: reading, RevokeIssued: true}))(t)
	b.Clock.Pass(2 * time.Second)
	got := map[string]int{}
	for serial, entry := range listed(b.Current(t, authority.ID)) {
		got[serial] = entry.ReasonCode
	}
	WantSame(t, got, map[string]int{
		issued.Serial: 0, again.Serial: 0, held.Serial: int(domain.CertificateHold), "4d": int(domain.KeyCompromise),
	})
}

// TestRestore_Overlaps: an overlap that began since the backup ends when it was to end, whether or
// not the database knew of an earlier one; what was revoked meanwhile stays revoked.
func TestRestore_Overlaps(t *testing.T) {
	t.Parallel()
	path, restored := filepath.Join(t.TempDir(), "lost.db"), filepath.Join(t.TempDir(), "restored.db")
	w := worldAt(t, path)
	authority := w.NewCA(t)
	fresh, twice, stays := w.NewClient(t, authority.ID), w.NewClient(t, authority.ID), w.NewClient(t, authority.ID)
	renewFor(10*Day)(t, w, twice.ID)
	gone := w.NewClient(t, authority.ID)
	w.Exec(t, "VACUUM INTO ?", restored)
	renewed(t, w, fresh.ID)
	renewFor(2*Day)(t, w, twice.ID)
	renewed(t, w, gone.ID)
	compromised(t, w, gone.ID)
	w.Current(t, authority.ID)

	b := worldAt(t, restored, w)
	reading := Must(store.OpenReading(t.Context(), path))(t)
	defer reading.Close()
	done := Must(b.Restore.Complete(Operator(t), pki.Since{Lost: reading}))(t)
	WantSame(t, done.CAs[0].Overlaps, 3) // twice has two certificates here
	wantEnd := func(after time.Duration, states map[int64][]string) {
		t.Helper()
		b.Clock.Pass(after)
		Check(t, b.Clients.RevokeSuperseded(t.Context()))
		for id, want := range states {
			wantLife(t, []*World{b}, id, want...)
		}
	}
	wantEnd(Day-time.Second, map[int64][]string{
		fresh.ID: {"valid"}, twice.ID: {"valid", "valid"}, stays.ID: {"valid"}, gone.ID: {"keyCompromise"},
	})
	wantEnd(time.Second, map[int64][]string{fresh.ID: {"superseded"}, twice.ID: {"valid", "valid"}})
	wantEnd(Day, map[int64][]string{twice.ID: {"superseded", "superseded"}, stays.ID: {"valid"}})
	renewedAtOnce(t, b, fresh.ID)
	wantLife(t, []*World{b}, fresh.ID, "superseded", "valid")
	WantSame(t, len(Must(b.Audit.Verify(t.Context()))(t).Problems), 0)
}
