package pki_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"log/slog"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestClients_Suspend: a client goes on and off the list as often as one likes. A replica that asks
// at every step, one that misses steps and one that was started now serve the same.
func TestClients_Suspend(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			authority := w.NewCA(t)
			other, client := w.NewClient(t, authority.ID), w.NewClient(t, authority.ID)
			w.Revoke(t, other.ID)
			warm, late := w.Replica(t), w.Replica(t)
			late.Current(t, authority.ID)
			steps := []struct {
				name string
				do   func(w *World) error
				want string
				news bool // there is a new list
			}{
				{"suspend", suspending(t, client.ID), "certificateHold", true},
				{"suspend again", suspending(t, client.ID), "certificateHold", false},
				{"resume", resuming(t, client.ID), "valid", true},
				{"resume again", resuming(t, client.ID), "valid", false},
				{"suspend once more", suspending(t, client.ID), "certificateHold", true},
				{"resume once more", resuming(t, client.ID), "valid", true},
				{"suspend at last", suspending(t, client.ID), "certificateHold", true},
				{"revoke", revoking(t, client.ID, domain.KeyCompromise), "keyCompromise", true},
				{"revoke again", revoking(t, client.ID, domain.Unspecified), "keyCompromise", false},
			}
			for i, step := range steps {
				w.Clock.Pass(time.Minute)
				before, events := w.Current(t, authority.ID).Number, w.CountEvents(t)
				doer := w
				if i%2 == 1 {
					doer = warm
				}
				if err := step.do(doer); err != nil {
					t.Fatalf("%s: %v", step.name, err)
				}
				replicas := []*World{w, warm, w.Replica(t)}
				if i%3 == 2 {
					replicas = append(replicas, late)
				}
				wantLife(t, replicas, client.ID, step.want)
				wantLife(t, replicas, other.ID, "unspecified")
				if news := w.Current(t, authority.ID).Number.Cmp(before) > 0; news != step.news {
					t.Errorf("%s: a new list: %t", step.name, news)
				}
				if recorded := w.CountEvents(t) - events; (recorded == 1) != step.news || recorded > 1 {
					t.Errorf("%s: %d events", step.name, recorded)
				}
			}
			for _, refused := range []error{suspending(t, client.ID)(w), resuming(t, client.ID)(w)} {
				WantFaults(t, refused, NewFault(domain.Rule, "id", domain.ReasonRevoked))
			}
			wantLife(t, []*World{w, warm, late}, client.ID, "keyCompromise")
		})
	}
}

func suspending(t *testing.T, id int64) func(*World) error {
	return func(w *World) error { return Second(w.Clients.Suspend(t.Context(), id)) }
}

func resuming(t *testing.T, id int64) func(*World) error {
	return func(w *World) error { return Second(w.Clients.Resume(t.Context(), id)) }
}

func revoking(t *testing.T, id int64, reason domain.RevocationReason) func(*World) error {
	return func(w *World) error {
		return Second(w.Clients.Revoke(t.Context(), id, domain.RevocationSpec{Reason: reason}))
	}
}

// TestClients_Suspend_Overlap: suspending concerns all certificates of a client, and one whose
// overlap ends meanwhile does not come back.
func TestClients_Suspend_Overlap(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	client := w.NewClient(t, w.NewCA(t).ID)
	replicas := []*World{w, w.Replica(t)}
	for _, overlap := range []time.Duration{time.Hour, Day} {
		Must(w.Clients.Renew(t.Context(), client.ID, domain.ClientRenewal{Overlap: &overlap}))(t)
	}
	wantLife(t, replicas, client.ID, "valid", "valid", "valid")
	suspend(t, w, client.ID)
	wantLife(t, replicas, client.ID, "certificateHold", "certificateHold", "certificateHold")
	w.Clock.Pass(time.Hour)
	Check(t, w.Clients.RevokeSuperseded(t.Context()))
	wantLife(t, replicas, client.ID, "superseded", "certificateHold", "certificateHold")
	Must(w.Clients.Resume(t.Context(), client.ID))(t)
	wantLife(t, replicas, client.ID, "superseded", "valid", "valid")
	w.Clock.Pass(Day)
	Check(t, w.Clients.RevokeSuperseded(t.Context()))
	wantLife(t, replicas, client.ID, "superseded", "superseded", "valid")
	t.Run("what was suspended before a renewal does not come back", func(t *testing.T) {
		suspend(t, w, client.ID)
		Must(w.Clients.Renew(t.Context(), client.ID, domain.ClientRenewal{}))(t)
		suspend(t, w, client.ID)
		Must(w.Clients.Resume(t.Context(), client.ID))(t)
		wantLife(t, replicas, client.ID, "superseded", "superseded", "superseded", "valid")
	})
	t.Run("a client that has ended is suspended and resumed all the same", func(t *testing.T) {
		spec := Spec(client.CAID)
		spec.Expiration = new(1)
		short := Must(w.Clients.Create(t.Context(), spec))(t)
		w.Clock.Pass(2 * Day)
		suspend(t, w, short.ID)
		wantLife(t, replicas[:1], short.ID, "certificateHold")
		Must(w.Clients.Resume(t.Context(), short.ID))(t)
		wantLife(t, replicas[:1], short.ID, "valid")
	})
}

// TestClients_Revoke_Reasons: the list has the reason and the invalidity date of each revocation,
// as RFC 5280, section 5.3, encodes them.
func TestClients_Revoke_Reasons(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	authority := w.NewCA(t)
	since := Noon.Add(-90 * Day)
	for reason := domain.Unspecified; reason <= domain.AACompromise; reason++ {
		client := w.NewClient(t, authority.ID)
		spec := domain.RevocationSpec{Reason: reason}
		if reason%2 == 1 {
			spec.InvalidSince = since
		}
		revoked, err := w.Clients.Revoke(t.Context(), client.ID, spec)
		if !reason.Final() {
			WantFaults(t, err, NewFault(domain.Invalid, "reason", domain.ReasonFormat))
			continue
		}
		Check(t, err)
		WantSame(t, [2]any{revoked.Reason, revoked.RevokedAt}, [2]any{reason, w.Clock.Now()})
		for _, replica := range []*World{w, w.Replica(t)} {
			entry := listed(replica.Current(t, authority.ID))[client.Serial]
			WantSame(t, domain.RevocationReason(entry.ReasonCode), reason)
			WantSame(t, invalidSince(t, entry), spec.InvalidSince)
			if reason == domain.Unspecified && len(entry.Extensions) != 0 {
				t.Errorf("unspecified has the extensions %v", entry.Extensions)
			}
		}
	}
	for sentence, date := range map[string]time.Time{
		"in the future": Noon.Add(time.Second), "that no list can name": time.Date(1949, time.December, 31, 0, 0, 0, 0, time.UTC),
	} {
		t.Run("a date "+sentence, func(t *testing.T) {
			client := w.NewClient(t, authority.ID)
			_, err := w.Clients.Revoke(t.Context(), client.ID, domain.RevocationSpec{InvalidSince: date})
			WantFault(t, err, domain.Invalid)
			wantLife(t, []*World{w}, client.ID, "valid")
		})
	}
	t.Run("a suspension that becomes final gets reason and date", func(t *testing.T) {
		client := w.NewClient(t, authority.ID)
		suspend(t, w, client.ID)
		WantSame(t, invalidSince(t, listed(w.Current(t, authority.ID))[client.Serial]), time.Time{})
		w.Clock.Pass(time.Hour)
		Must(w.Clients.Revoke(t.Context(), client.ID, domain.RevocationSpec{
			Reason: domain.KeyCompromise, InvalidSince: since,
		}))(t)
		wantLife(t, []*World{w, w.Replica(t)}, client.ID, "keyCompromise")
		WantSame(t, invalidSince(t, listed(w.Current(t, authority.ID))[client.Serial]), since)
	})
}

// invalidSince is the invalidity date of an entry (RFC 5280, section 5.3.2), zero for none.
func invalidSince(t testing.TB, entry x509.RevocationListEntry) (at time.Time) {
	t.Helper()
	for _, extension := range entry.Extensions {
		if extension.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 24}) {
			at = readDate(t, extension)
		}
	}
	return at
}

func readDate(t testing.TB, extension pkix.Extension) (at time.Time) {
	t.Helper()
	rest, err := asn1.UnmarshalWithParams(extension.Value, &at, "generalized")
	if err != nil || len(rest) > 0 || extension.Critical {
		t.Errorf("the date is %x: %v", extension.Value, err)
	}
	return at.UTC()
}
