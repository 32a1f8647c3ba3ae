package pki_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// endingSoon makes clients of a CA whose certificates end in ten days.
func endingSoon(t *testing.T, w *World, caID int64, count int) []domain.Client {
	t.Helper()
	var all []domain.Client
	for range count {
		spec := Spec(caID)
		spec.Expiration = new(10)
		all = append(all, Must(w.Clients.Create(t.Context(), spec))(t))
	}
	return all
}

// soon selects them.
func soon(caID int64) domain.ClientSelection {
	return domain.ClientSelection{CAID: caID, ExpiresBefore: Noon.Add(30 * Day)}
}

func idsOf(done domain.RenewedClients) (ids []int64) {
	for _, one := range done.Clients {
		ids = append(ids, one.ID)
	}
	return ids
}

// TestClients_RenewMany: those that a filter selects are renewed, each with its own event; those
// that are revoked, suspended, of another CA or of a later end stay as they are.
func TestClients_RenewMany(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			caID := w.NewCA(t).ID
			all := endingSoon(t, w, caID, 4)
			endingSoon(t, w, w.NewCA(t).ID, 1)
			w.NewClient(t, caID)
			w.Revoke(t, all[1].ID)
			suspend(t, w, all[2].ID)
			before := w.CountEvents(t)
			done := Must(w.Clients.RenewMany(Operator(t), soon(caID), domain.ClientRenewal{KeyAlgorithm: "ed25519"}))(t)
			WantSame(t, idsOf(done), []int64{all[0].ID, all[3].ID})
			WantSame(t, done.Next, 0)
			WantSame(t, w.CountEvents(t), before+2)
			for _, one := range done.Clients {
				Check(t, one.Err)
				got := Must(w.Clients.Get(t.Context(), one.ID))(t)
				WantSame(t, []string{got.Serial, got.KeyAlgorithm}, []string{one.Serial, "ed25519"})
				wantLife(t, []*World{w, w.Replica(t)}, one.ID, "valid", "valid")
			}
			wantLife(t, []*World{w}, all[1].ID, "unspecified")
			wantLife(t, []*World{w}, all[2].ID, "certificateHold")
			again := Must(w.Clients.RenewMany(Operator(t), soon(caID), domain.ClientRenewal{}))(t)
			WantSame(t, len(again.Clients), 0)
		})
	}
}

// TestClients_RenewMany_IDs: they are renewed in their order, and a fault of one keeps no other
// from it. With a key a client is renewed once.
func TestClients_RenewMany_IDs(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	all := endingSoon(t, w, w.NewCA(t).ID, 3)
	w.Revoke(t, all[1].ID)
	of := domain.ClientSelection{IDs: []int64{999, all[2].ID, all[1].ID, all[0].ID}}
	ctx := domain.WithOrigin(Operator(t), domain.Origin{Key: domain.RequestKey{Value: "k", Digest: [32]byte{1}}})
	done := Must(w.Clients.RenewMany(ctx, of, domain.ClientRenewal{}))(t)
	WantSame(t, idsOf(done), of.IDs)
	WantFaults(t, done.Clients[0].Err, NewFault(domain.Missing, "id", domain.ReasonNotFound))
	WantFaults(t, done.Clients[2].Err, NewFault(domain.Rule, "id", domain.ReasonNotInForce))
	before := w.CountEvents(t)
	again := Must(w.Clients.RenewMany(ctx, of, domain.ClientRenewal{}))(t)
	for _, i := range []int{1, 3} {
		Check(t, done.Clients[i].Err)
		WantSame(t, again.Clients[i].Serial, done.Clients[i].Serial)
		wantLife(t, []*World{w}, of.IDs[i], "valid", "valid")
	}
	WantSame(t, w.CountEvents(t), before)
}

// TestClients_RenewMany_OutOfTime: when little time is left, it says where to go on.
func TestClients_RenewMany_OutOfTime(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	caID := w.NewCA(t).ID
	all := endingSoon(t, w, caID, 3)
	for i, test := range []struct {
		left      time.Duration
		algorithm string
	}{{20 * time.Second, ""}, {100 * time.Second, "rsa-2048"}} {
		ctx, cancel := context.WithTimeout(Operator(t), test.left)
		done := Must(w.Clients.RenewMany(ctx, soon(caID), domain.ClientRenewal{KeyAlgorithm: test.algorithm}))(t)
		cancel()
		WantSame(t, idsOf(done), []int64{all[i].ID})
		WantSame(t, done.Next, all[i].ID)
	}
	ctx, cancel := context.WithTimeout(Operator(t), 20*time.Second)
	defer cancel()
	before := w.CountEvents(t)
	Check(t, w.Clients.PKCS12Each(ctx, domain.ClientSelection{IDs: []int64{all[0].ID}}, "", "segredo",
		func(one pki.ClientFiles) error {
			WantFaults(t, one.Err, NewFault(domain.Rule, "", domain.ReasonOutOfTime))
			WantSame(t, one.Client.Name, all[0].Name)
			return nil
		}))
	WantSame(t, w.CountEvents(t), before)
	of := soon(caID)
	of.After = all[1].ID
	WantSame(t, idsOf(Must(w.Clients.RenewMany(Operator(t), of, domain.ClientRenewal{}))(t)), []int64{all[2].ID})
}

// TestClients_RenewMany_Failure: after a failure in the middle those before it are renewed, and
// another request renews the others.
func TestClients_RenewMany_Failure(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	w.Store.Rehearse(false) // the commits are counted
	caID := w.NewCA(t).ID
	all := endingSoon(t, w, caID, 4)
	count, failure := 0, errors.New("the disk is full")
	clients := pki.Clients{Issuing: w.Clients.Issuing}
	clients.Store = &Hooked{Store: w.Store, AfterTransact: func() error {
		if count++; count == 3 {
			return failure
		}
		return nil
	}}
	done := Must(clients.RenewMany(Operator(t), soon(caID), domain.ClientRenewal{}))(t)
	WantSame(t, idsOf(done), []int64{all[0].ID, all[1].ID})
	WantSame(t, done.Next, all[1].ID)
	rest := Must(w.Clients.RenewMany(Operator(t), soon(caID), domain.ClientRenewal{}))(t)
	WantSame(t, idsOf(rest), []int64{all[2].ID, all[3].ID})
	for _, client := range all {
		wantLife(t, []*World{w}, client.ID, "valid", "valid")
	}
	count = 2
	if _, err := clients.RenewMany(
		Operator(t), domain.ClientSelection{CAID: caID}, domain.ClientRenewal{},
	); !errors.Is(err, failure) {
		t.Errorf("the first one fails, and the error is %v", err)
	}
}

// TestClients_RenewMany_RightsLost: a caller who loses the right in the middle renews no more.
func TestClients_RenewMany_RightsLost(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	caID := w.NewCA(t).ID
	all := endingSoon(t, w, caID, 4)
	key, count := w.NewAPIKey(t), 0
	w.NewAPIKey(t) // another superuser, who must remain
	ctx := w.RequestOf(t, key.Token, domain.ScopeClients)
	clients := pki.Clients{Issuing: w.Clients.Issuing}
	clients.Store = &Hooked{Store: w.Store, BeforeTransact: func() {
		if count++; count == 3 {
			Check(t, w.APIKeys.Delete(Operator(t), key.ID))
		}
	}}
	done := Must(clients.RenewMany(ctx, soon(caID), domain.ClientRenewal{}))(t)
	WantSame(t, idsOf(done), []int64{all[0].ID, all[1].ID})
	WantSame(t, count, 3)
	wantLife(t, []*World{w}, all[2].ID, "valid")
	_, err := clients.RenewMany(ctx, soon(caID), domain.ClientRenewal{})
	WantFaults(t, err, Unauthenticated)
}

func TestClients_RenewMany_TooMany(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("makes a thousand clients, which -short leaves out")
	}
	w := NewWorld(t)
	caID := w.NewCA(t).ID
	all := endingSoon(t, w, caID, domain.MaxClientsAtOnce+2)
	done := Must(w.Clients.RenewMany(Operator(t), soon(caID), domain.ClientRenewal{}))(t)
	WantSame(t, len(done.Clients), domain.MaxClientsAtOnce)
	WantSame(t, done.Next, all[domain.MaxClientsAtOnce-1].ID)
	err := w.Clients.PKCS12Each(Operator(t), domain.ClientSelection{CAID: caID}, "", "segredo", nil)
	WantFaults(t, err, NewFault(domain.Rule, "", domain.ReasonTooMany))
	of := soon(caID)
	of.After = done.Next
	done = Must(w.Clients.RenewMany(Operator(t), of, domain.ClientRenewal{}))(t)
	WantSame(t, idsOf(done), []int64{all[len(all)-2].ID, all[len(all)-1].ID})
	WantSame(t, done.Next, 0)
}

func TestClientSelection(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	many := make([]int64, domain.MaxClientsAtOnce+1)
	for i := range many {
		many[i] = int64(i + 1)
	}
	for _, test := range []struct {
		of   domain.ClientSelection
		want Fault
	}{
		{domain.ClientSelection{}, NewFault(domain.Required, "ids", domain.ReasonEither)},
		{domain.ClientSelection{After: 1}, NewFault(domain.Required, "ids", domain.ReasonEither)},
		{domain.ClientSelection{IDs: []int64{1}, Name: "a"}, NewFault(domain.Rule, "ids", domain.ReasonIDsAlone)},
		{domain.ClientSelection{IDs: []int64{1}, InstanceID: 1}, NewFault(domain.Rule, "ids", domain.ReasonIDsAlone)},
		{domain.ClientSelection{IDs: []int64{1}, After: 1}, NewFault(domain.Rule, "ids", domain.ReasonIDsAlone)},
		{domain.ClientSelection{IDs: []int64{1, 2, 1}}, NewFault(domain.Duplicated, "ids[2]", domain.ReasonTwice)},
		{domain.ClientSelection{IDs: many}, NewFault(domain.Invalid, "ids", domain.ReasonTooMany)},
	} {
		_, err := w.Clients.RenewMany(Operator(t), test.of, domain.ClientRenewal{})
		WantFaults(t, err, test.want)
		WantFaults(t, w.Clients.PKCS12Each(Operator(t), test.of, "", "segredo", nil), test.want)
	}
}

// TestDryRun_OfNone: a change that has no dry run fails in one, and stores nothing.
func TestDryRun_OfNone(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	authority := w.NewCA(t)
	ctx := domain.WithOrigin(Operator(t), domain.Origin{DryRun: true})
	before := w.CountEvents(t)
	if _, err := w.Clients.Create(ctx, Spec(authority.ID)); err == nil || len(domain.Faults(err)) > 0 {
		t.Errorf("the error is %v", err)
	}
	page := Must(w.Clients.Page(t.Context(), domain.ClientFilter{}, domain.PageRequest{Size: 10}))(t)
	WantSame(t, []int{len(page.Items), w.CountEvents(t)}, []int{0, before})
}
