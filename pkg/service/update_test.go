package service_test

import (
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func TestClients_Update(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	client := w.newClient(t, w.newCA(t).ID)
	w.clock.pass(time.Hour)
	t.Run("what is sent as it is changes nothing", func(t *testing.T) {
		for _, update := range []domain.ClientUpdate{
			{},
			{Name: &client.Name, CAID: &client.CAID, Expiration: new(3650), Password: new(domain.Secret)},
			{RecordUpdate: domain.RecordUpdate{Description: new(""), Email: &client.Email}},
		} {
			wantSame(t, must(w.Clients.Update(ctx, client.ID, update))(t), client)
		}
		wantSame(t, must(w.Clients.Get(ctx, client.ID))(t), client)
	})
	t.Run("what is fixed is refused, with every other fault, and nothing is changed", func(t *testing.T) {
		_, err := w.Clients.Update(ctx, client.ID, domain.ClientUpdate{
			Name: new(client.Name + "x"), CAID: new(client.CAID + 1), Expiration: new(10), Password: new(domain.Secret("x")),
			RecordUpdate: domain.RecordUpdate{Description: new("kept?"), Country: new("B"), Email: new("")},
		})
		wantFaults(t, err, fault{domain.Invalid, "name", domain.ReasonNotEditable}, fault{domain.Invalid, "ca_id", domain.ReasonNotEditable},
			fault{domain.Invalid, "expiration", domain.ReasonNotEditable}, fault{domain.Rule, "password", domain.ReasonPasswordFixed},
			fault{domain.Required, "email", domain.ReasonRequired}, fault{domain.Invalid, "country", domain.ReasonCountry})
		wantSame(t, must(w.Clients.Get(ctx, client.ID))(t), client)
	})
	t.Run("the record changes, and its time", func(t *testing.T) {
		want := client
		want.Description, want.City, want.Email, want.UpdatedAt = "two\nlines", "Niterói", "novo@example.com", w.clock.Now()
		wantSame(t, must(w.Clients.Update(ctx, client.ID, domain.ClientUpdate{RecordUpdate: domain.RecordUpdate{
			Description: &want.Description, City: &want.City, Email: &want.Email,
		}}))(t), want)
		wantSame(t, must(w.Clients.Get(ctx, client.ID))(t), want)
		want.Description, want.City = "", ""
		wantSame(t, must(w.Clients.Update(ctx, client.ID, domain.ClientUpdate{RecordUpdate: domain.RecordUpdate{Description: new(""), City: new("")}}))(t), want)
	})
	t.Run("a client that does not exist is missing", func(t *testing.T) {
		_, err := w.Clients.Update(ctx, 1<<40, domain.ClientUpdate{})
		wantFaults(t, err, fault{domain.Missing, "id", domain.ReasonNotFound})
		wantFaults(t, w.Clients.Revoke(ctx, 1<<40), fault{domain.Missing, "id", domain.ReasonNotFound})
	})
}

func TestCAs_Update(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	authority := w.newCA(t)
	w.clock.pass(time.Hour)
	wantSame(t, must(w.CAs.Update(ctx, authority.ID, domain.CAUpdate{Name: &authority.Name, Expiration: new(7300), KeyAlgorithm: new("ecdsa-p256")}))(t), authority)
	_, err := w.CAs.Update(ctx, authority.ID, domain.CAUpdate{Name: new("x"), Expiration: new(1), KeyAlgorithm: new("rsa-2048")})
	wantFaults(t, err, fault{domain.Invalid, "name", domain.ReasonNotEditable}, fault{domain.Invalid, "expiration", domain.ReasonNotEditable},
		fault{domain.Invalid, "key_algorithm", domain.ReasonNotEditable})
	want := authority
	want.Sector, want.UpdatedAt = "TI", w.clock.Now()
	wantSame(t, must(w.CAs.Update(ctx, authority.ID, domain.CAUpdate{RecordUpdate: domain.RecordUpdate{Sector: &want.Sector}}))(t), want)
	wantSame(t, must(w.CAs.Get(ctx, authority.ID))(t), want)
	_, err = w.CAs.Update(ctx, 1<<40, domain.CAUpdate{})
	wantFaults(t, err, fault{domain.Missing, "id", domain.ReasonNotFound})
}

func TestClients_Page(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	authority := w.newCA(t)
	asked := spec(authority.ID)
	asked.Expiration = new(1)
	ending := must(w.Clients.Create(t.Context(), asked))(t)
	lasting := w.newClient(t, authority.ID)
	ids := func(status domain.Status) []int64 {
		all := []int64{}
		for _, c := range must(w.Clients.Page(t.Context(), domain.ClientFilter{Status: status}, domain.PageRequest{Size: 10}))(t).Items {
			all = append(all, c.ID)
		}
		return all
	}
	w.clock.pass(day - time.Microsecond)
	wantSame(t, ids(domain.StatusValid), []int64{ending.ID, lasting.ID})
	w.clock.pass(time.Microsecond)
	wantSame(t, ids(domain.StatusValid), []int64{lasting.ID})
	wantSame(t, ids(domain.StatusExpired), []int64{ending.ID})
	w.revoke(t, ending.ID)
	wantSame(t, ids(domain.StatusRevoked), []int64{ending.ID})
	wantSame(t, ids(domain.StatusExpired), []int64{ending.ID})
}
