package storetest

import (
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func testContinue(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("numbers go on above those that were published", func(t *testing.T) {
		c := newCA(t, s)
		publish(t, s, c.ID, 1)
		check(t, s.CRLs().Continue(ctx, c.ID, 7, nil))
		wantSame(t, must(s.CRLs().LastNumber(ctx, c.ID))(t), 7)
		got, _, err := s.CRLs().Latest(ctx, c.ID)
		check(t, err)
		wantSame(t, got.Number, 1)
		wantSame(t, got.Epoch, -1)
		check(t, s.CRLs().Continue(ctx, c.ID, 3, nil))
		wantSame(t, must(s.CRLs().LastNumber(ctx, c.ID))(t), 7)
		publish(t, s, c.ID, 8)
	})
	t.Run("a later list takes the place of the latest, an earlier one does not", func(t *testing.T) {
		c, other := newCA(t, s), newCA(t, s)
		publish(t, s, c.ID, 1)
		untouched := publish(t, s, other.ID, 1)
		later, earlier := sampleCRL(c.ID, 5), sampleCRL(c.ID, 4)
		check(t, s.CRLs().Continue(ctx, c.ID, 5, &later))
		check(t, s.CRLs().Continue(ctx, c.ID, 5, &earlier))
		later.Epoch, later.Follows = -1, 0
		got, found, err := s.CRLs().Latest(ctx, c.ID)
		check(t, err)
		wantSame(t, found, true)
		wantSame(t, got, later)
		got, _, err = s.CRLs().Latest(ctx, other.ID)
		check(t, err)
		untouched.Follows = 0
		wantSame(t, got, untouched)
	})
	t.Run("a CA that does not exist is nothing", func(t *testing.T) {
		check(t, s.CRLs().Continue(ctx, absent, 7, nil))
	})
}

func testClientsOf(t *testing.T, s domain.Store) {
	ctx := t.Context()
	authority, other := newCA(t, s), newCA(t, s)
	one, foreign := sampleCertificate(newClient(t, s, authority.ID), "0a"),
		sampleCertificate(newClient(t, s, other.ID), "0b")
	check(t, s.Certificates().Create(ctx, &one))
	check(t, s.Certificates().Create(ctx, &foreign))
	many := make([]string, 0, 3000)
	for range 3000 {
		many = append(many, fresh("serial"))
	}
	wantSame(
		t, must(s.Certificates().ClientsOf(ctx, authority.ID, append(many, "0b", "0a")))(t),
		map[string]int64{"0a": one.ClientID},
	)
	wantSame(t, must(s.Certificates().ClientsOf(ctx, authority.ID, nil))(t), map[string]int64{})
}
