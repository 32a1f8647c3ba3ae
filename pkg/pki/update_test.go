package pki_test

import (
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

func TestClients_Update(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	ctx := t.Context()
	client := w.NewClient(t, w.NewCA(t).ID)
	w.Clock.Pass(time.Hour)
	t.Run("unchanged values change nothing", func(t *testing.T) {
		for _, update := range []domain.ClientUpdate{
			{},
			{Name: &client.Name, CAID: &client.CAID, Expiration: new(3650), Password: new(domain.Secret)},
			{RecordUpdate: domain.RecordUpdate{Description: new(""), Email: &client.Email}},
		} {
			WantSame(t, Must(w.Clients.Update(ctx, client.ID, update))(t), client)
		}
		WantSame(t, Must(w.Clients.Get(ctx, client.ID))(t), client)
	})
	t.Run("fixed fields are refused, with every other fault, and nothing is changed", func(t *testing.T) {
		_, err := w.Clients.Update(ctx, client.ID, domain.ClientUpdate{
			Name: new(client.Name + "x"), CAID: new(client.CAID + 1), Expiration: new(10),
			Password:     new(domain.Secret("x")),
			RecordUpdate: domain.RecordUpdate{Description: new("kept?"), Country: new("B"), Email: new("")},
		})
		WantFaults(t, err, NewFault(domain.Invalid, "name", domain.ReasonNotEditable),
			NewFault(domain.Invalid, "ca_id", domain.ReasonNotEditable),
			NewFault(domain.Invalid, "expiration", domain.ReasonNotEditable),
			NewFault(domain.Rule, "password", domain.ReasonPasswordFixed),
			NewFault(domain.Required, "email", domain.ReasonRequired),
			NewFault(domain.Invalid, "country", domain.ReasonCountry))
		WantSame(t, Must(w.Clients.Get(ctx, client.ID))(t), client)
	})
	t.Run("the record changes, and its time", func(t *testing.T) {
		want := client
		want.Description, want.City, want.Email, want.UpdatedAt = "two\nlines", "Niterói", "novo@example.com",
			w.Clock.Now()
		WantSame(t, Must(w.Clients.Update(ctx, client.ID, domain.ClientUpdate{RecordUpdate: domain.RecordUpdate{
			Description: &want.Description, City: &want.City, Email: &want.Email,
		}}))(t), want)
		WantSame(t, Must(w.Clients.Get(ctx, client.ID))(t), want)
		want.Description, want.City = "", ""
		WantSame(
			t,
			Must(
				w.Clients.Update(
					ctx, client.ID, domain.ClientUpdate{
						RecordUpdate: domain.RecordUpdate{Description: new(""), City: new("")},
					},
				),
			)(t), want,
		)
	})
	t.Run("a client that does not exist is missing", func(t *testing.T) {
		_, err := w.Clients.Update(ctx, 1<<40, domain.ClientUpdate{})
		WantFaults(t, err, NewFault(domain.Missing, "id", domain.ReasonNotFound))
		WantFaults(t, w.RevokeClient(ctx, 1<<40), NewFault(domain.Missing, "id", domain.ReasonNotFound))
	})
}

func TestCAs_Update(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	ctx := t.Context()
	authority := w.NewCA(t)
	w.Clock.Pass(time.Hour)
	WantSame(
		t,
		Must(
			w.CAs.Update(
				ctx, authority.ID, domain.CAUpdate{
					Name: &authority.Name, Expiration: new(10950), KeyAlgorithm: new("ecdsa-p256"),
				},
			),
		)(t), authority,
	)
	_, err := w.CAs.Update(
		ctx, authority.ID, domain.CAUpdate{Name: new("x"), Expiration: new(1), KeyAlgorithm: new("rsa-2048")},
	)
	WantFaults(t, err, NewFault(domain.Invalid, "name", domain.ReasonNotEditable),
		NewFault(domain.Invalid, "expiration", domain.ReasonNotEditable),
		NewFault(domain.Invalid, "key_algorithm", domain.ReasonNotEditable))
	want := authority
	want.Sector, want.UpdatedAt = "TI", w.Clock.Now()
	WantSame(
		t,
		Must(w.CAs.Update(ctx, authority.ID, domain.CAUpdate{
			RecordUpdate: domain.RecordUpdate{Sector: &want.Sector},
		}))(t), want,
	)
	WantSame(t, Must(w.CAs.Get(ctx, authority.ID))(t), want)
	_, err = w.CAs.Update(ctx, 1<<40, domain.CAUpdate{})
	WantFaults(t, err, NewFault(domain.Missing, "id", domain.ReasonNotFound))
}

func TestClients_Page(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	authority := w.NewCA(t)
	asked := Spec(authority.ID)
	asked.Expiration = new(1)
	ending := Must(w.Clients.Create(t.Context(), asked))(t)
	lasting := w.NewClient(t, authority.ID)
	ids := func(status domain.Status) []int64 {
		all := []int64{}
		for _, c := range Must(
			w.Clients.Page(t.Context(), domain.ClientFilter{Status: status}, domain.PageRequest{Size: 10}),
		)(t).Items {
			all = append(all, c.ID)
		}
		return all
	}
	w.Clock.Pass(Day - time.Microsecond)
	WantSame(t, ids(domain.StatusValid), []int64{ending.ID, lasting.ID})
	w.Clock.Pass(time.Microsecond)
	WantSame(t, ids(domain.StatusValid), []int64{lasting.ID})
	WantSame(t, ids(domain.StatusExpired), []int64{ending.ID})
	marked := func() (n int) {
		Check(
			t, Must(w.Store.SQL())(t).QueryRowContext(t.Context(), "SELECT count(*) FROM clients WHERE expired").
				Scan(&n),
		)
		return n
	}
	WantSame(t, marked(), 0) // reading writes nothing
	Check(t, w.Clients.MarkExpired(t.Context()))
	WantSame(t, marked(), 1)
	WantSame(t, ids(domain.StatusValid), []int64{lasting.ID})
	WantSame(t, ids(domain.StatusExpired), []int64{ending.ID})
	w.Revoke(t, ending.ID)
	WantSame(t, ids(domain.StatusRevoked), []int64{ending.ID})
	WantSame(t, ids(domain.StatusExpired), []int64{ending.ID})
}
