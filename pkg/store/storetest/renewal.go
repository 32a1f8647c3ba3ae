package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

// renewalRules is the contract of Clients.Standing and Clients.RenewAtOnce.
var renewalRules = rules{
	{storedForm, testRenewalForm},
	{"Moved", testRenewalMoved},
	{unique, testRenewalUnique},
	{"Rights", testRenewalRights},
	{locks, testRenewalLocks},
}

// overlapEnd is when the overlap of the renewals here ends.
var overlapEnd = noon.AddDate(0, 1, 0)

// renewalOf is the next renewal of a client as it is now.
func renewalOf(t testing.TB, s domain.Store, id int64) domain.Renewal {
	t.Helper()
	client, standing, err := s.Clients().Standing(t.Context(), id)
	check(t, err)
	r := domain.Renewal{Before: client, Standing: standing, After: client, Until: overlapEnd}
	r.Certificate = sampleCertificate(client, fresh("serial"))
	r.Certificate.NotAfter, r.Certificate.KeyProtected = noon.AddDate(2, 0, 0), false
	r.After.Take(r.Certificate)
	r.After.UpdatedAt = noon.Add(time.Minute)
	return r
}

// standingClient is a client in force, and its certificate.
func standingClient(t testing.TB, s domain.Store, caID int64) (domain.Client, domain.Certificate) {
	t.Helper()
	client := sampleClient(caID, fresh("client"))
	cert, event := sampleCertificate(client, fresh("serial")), sampleEvent()
	client.Take(cert)
	check(t, s.Clients().Enrol(t.Context(), &client, &cert, &event))
	return client, cert
}

func testRenewalForm(t *testing.T, s domain.Store) {
	ctx, authority := t.Context(), newCA(t, s)
	client, first := standingClient(t, s, authority.ID)
	until := func(end time.Time) func(*domain.Certificate) {
		return func(c *domain.Certificate) { c.SupersededAt = end }
	}
	sooner := newCertificate(t, s, client, until(overlapEnd.Add(-time.Microsecond)))
	later := newCertificate(t, s, client, until(overlapEnd.Add(time.Microsecond)))
	revoked := newCertificate(t, s, client, func(c *domain.Certificate) {
		c.RevokedAt, c.Reason = noon, domain.Superseded
	})
	beside, besides := standingClient(t, s, authority.ID)

	r, event := renewalOf(t, s, client.ID), sampleEvent()
	wantSame(t, r.Before, client)
	wantSame(t, r.Standing, []domain.StandingCertificate{
		{ID: first.ID, Serial: first.Serial}, {ID: sooner.ID, Serial: sooner.Serial},
		{ID: later.ID, Serial: later.Serial},
	})
	wantSame(t, must(s.Clients().RenewAtOnce(ctx, &r, &event))(t), true)
	first.SupersededAt, later.SupersededAt = overlapEnd, overlapEnd
	for _, want := range []domain.Certificate{first, sooner, later, revoked, besides, r.Certificate} {
		wantSame(t, must(s.Certificates().Get(ctx, want.ID))(t), want)
	}
	for _, want := range []domain.Client{r.After, beside} {
		wantSame(t, must(s.Clients().Get(ctx, want.ID))(t), want)
	}
	wantSame(t, event.ResourceID, client.ID)
	wantSame(t, must(s.Audit().Get(ctx, event.ID))(t), stored(event))
	wantLinked(t, s, event)
	t.Run("a client without certificates, and one that does not exist", func(t *testing.T) {
		bare := newClient(t, s, authority.ID)
		r := renewalOf(t, s, bare.ID)
		wantSame(t, r.Before, bare)
		wantSame(t, r.Standing, []domain.StandingCertificate{})
		wantSame(t, must(s.Clients().RenewAtOnce(ctx, &r, &event))(t), true)
		_, _, err := s.Clients().Standing(ctx, absent)
		wantMissing(t, err)
	})
	t.Run("suspended certificates are told", func(t *testing.T) {
		check(t, s.Certificates().Revoke(ctx, besides.ID, noon, domain.CertificateHold))
		wantSame(t, renewalOf(t, s, beside.ID).Standing, []domain.StandingCertificate{
			{ID: besides.ID, Serial: besides.Serial, Suspended: true},
		})
	})
}

// testRenewalMoved: what has changed since it was read keeps a renewal from being stored.
func testRenewalMoved(t *testing.T, s domain.Store) {
	ctx, authority := t.Context(), newCA(t, s)
	for sentence, change := range map[string]func(r *domain.Renewal) error{
		"another renewal": func(r *domain.Renewal) error {
			other, event := renewalOf(t, s, r.Before.ID), sampleEvent()
			done, err := s.Clients().RenewAtOnce(ctx, &other, &event)
			wantSame(t, done, true)
			return err
		},
		"a revocation": func(r *domain.Renewal) error {
			return s.Clients().Revoke(ctx, r.Before.ID, r.Before.UpdatedAt, domain.KeyCompromise)
		},
		"a suspension": func(r *domain.Renewal) error {
			return s.Clients().Revoke(ctx, r.Before.ID, r.Before.UpdatedAt, domain.CertificateHold)
		},
		"another description": func(r *domain.Renewal) error {
			edited := r.Before
			edited.Description, edited.UpdatedAt = "other", edited.UpdatedAt.Add(time.Microsecond)
			return s.Clients().Update(ctx, edited)
		},
		"a name that is free": func(r *domain.Renewal) error {
			_, err := s.Clients().FreeName(ctx, r.Before.Name, r.Before.ExpiresAt)
			return err
		},
		"one certificate more": func(r *domain.Renewal) error {
			newCertificate(t, s, r.Before)
			return nil
		},
		"a certificate that is revoked": func(r *domain.Renewal) error {
			return s.Certificates().Revoke(ctx, r.Standing[0].ID, noon, domain.KeyCompromise)
		},
		"a certificate that is suspended": func(r *domain.Renewal) error {
			return s.Certificates().Revoke(ctx, r.Standing[0].ID, noon, domain.CertificateHold)
		},
		"another CA": func(r *domain.Renewal) error {
			r.Certificate.Issuer = []byte("of a CA that is gone")
			return nil
		},
		"the end of the client": func(r *domain.Renewal) error {
			_, err := s.Clients().MarkExpired(ctx, r.Before.ExpiresAt, 1000)
			return err
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			client, _ := standingClient(t, s, authority.ID)
			r := renewalOf(t, s, client.ID)
			check(t, change(&r))
			wantNotRenewed(t, s, r)
		})
	}
}

// wantNotRenewed checks that a renewal stores nothing, and does not doom its transaction.
func wantNotRenewed(t *testing.T, s domain.Store, r domain.Renewal) {
	t.Helper()
	ctx := t.Context()
	state := func() (all []any) {
		client, list, err := s.Clients().Standing(ctx, r.Before.ID)
		check(t, err)
		all = append(all, client)
		for _, one := range list {
			all = append(all, must(s.Certificates().Get(ctx, one.ID))(t))
		}
		return append(all, must(s.Audit().Page(ctx, domain.AuditFilter{}, domain.PageRequest{Size: 1}))(t))
	}
	before := state()
	try := func(tx domain.Store) error {
		event := sampleEvent()
		done, err := tx.Clients().RenewAtOnce(ctx, &r, &event)
		wantSame(t, done, false)
		return err
	}
	check(t, try(s))
	check(t, s.Transact(ctx, try))
	wantSame(t, state(), before)
	_, err := s.Certificates().OfSerial(ctx, r.Certificate.CAID, r.Certificate.Serial)
	wantMissing(t, err)
}

func testRenewalUnique(t *testing.T, s domain.Store) {
	ctx, authority := t.Context(), newCA(t, s)
	client, first := standingClient(t, s, authority.ID)
	_, other := standingClient(t, s, authority.ID)
	r, event := renewalOf(t, s, client.ID), sampleEvent()
	r.Certificate.Serial = other.Serial
	done, err := s.Clients().RenewAtOnce(ctx, &r, &event)
	wantFault(t, err, domain.Duplicated, "cert", domain.ReasonDuplicated)
	wantSame(t, done, false)
	wantSame(t, must(s.Clients().Get(ctx, client.ID))(t), client)
	wantSame(t, must(s.Certificates().Get(ctx, first.ID))(t), first)
}

func testRenewalRights(t *testing.T, s domain.Store) {
	ctx, authority := t.Context(), newCA(t, s)
	for where, within := range map[string]func(func(domain.Store) error) error{
		"by itself":        func(do func(domain.Store) error) error { return do(s) },
		"in a transaction": func(do func(domain.Store) error) error { return s.Transact(ctx, do) },
	} {
		t.Run("rights that have moved leave nothing, and the next attempt is good, "+where, func(t *testing.T) {
			client, _ := standingClient(t, s, authority.ID)
			asked := renewalOf(t, s, client.ID)
			var r domain.Renewal
			check(t, within(func(tx domain.Store) error {
				event := sampleEvent()
				r, event.Point = asked, domain.AccessPoint{Epoch: 1, Mark: "of another history"}
				done, err := tx.Clients().RenewAtOnce(ctx, &r, &event)
				if !errors.Is(err, domain.ErrRightsMoved) || done || r.Certificate.ID != 0 {
					t.Errorf("%t, %v, id %d", done, err, r.Certificate.ID)
				}
				wantSame(t, must(tx.Clients().Get(ctx, client.ID))(t), client)
				event.Point = must(tx.AccessControl().Point(ctx))(t)
				done, err = tx.Clients().RenewAtOnce(ctx, &r, &event)
				wantSame(t, done, true)
				return err
			}))
			wantSame(t, must(s.Clients().Get(ctx, client.ID))(t), r.After)
		})
	}
}

func testRenewalLocks(t *testing.T, s domain.Store) {
	ctx, authority := t.Context(), newCA(t, s)
	t.Run("of many at once one is stored", func(t *testing.T) {
		client, _ := standingClient(t, s, authority.ID)
		renewals := make([]domain.Renewal, 8)
		for i := range renewals {
			renewals[i] = renewalOf(t, s, client.ID)
		}
		stored, faults := domaintest.Together(len(renewals), func(i int) (bool, error) {
			event := sampleEvent()
			return s.Clients().RenewAtOnce(ctx, &renewals[i], &event)
		})
		check(t, errors.Join(faults...))
		count := 0
		for i, done := range stored {
			if done {
				count++
				wantSame(t, must(s.Clients().Get(ctx, client.ID))(t), renewals[i].After)
			}
		}
		wantSame(t, count, 1)
		wantSame(t, len(must(s.Certificates().Standing(ctx, client.ID))(t)), 2)
	})
	t.Run("it waits for a change of a certificate alone, and sees it", func(t *testing.T) {
		once(t, s)
		client, first := standingClient(t, s, authority.ID)
		r, event := renewalOf(t, s, client.ID), sampleEvent()
		ended := make(chan error, 1)
		done := true
		check(t, s.Transact(ctx, func(tx domain.Store) error {
			if _, err := tx.Clients().Lock(ctx, client.ID); err != nil {
				return err
			}
			go func() {
				var err error
				done, err = s.Clients().RenewAtOnce(ctx, &r, &event)
				ended <- err
			}()
			time.Sleep(200 * time.Millisecond)
			return tx.Certificates().Revoke(ctx, first.ID, noon, domain.KeyCompromise)
		}))
		check(t, <-ended)
		wantSame(t, done, false)
		wantSame(t, must(s.Clients().Get(ctx, client.ID))(t), client)
	})
}
