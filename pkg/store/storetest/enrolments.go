package storetest

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func sampleEnrolment(client, instance int64) domain.Enrolment {
	secret := sha256.Sum256([]byte(fresh("secret")))
	return domain.Enrolment{
		ClientID: client, InstanceID: instance, Format: "openvpn", SecretHash: secret[:], PINHash: octets(),
		CreatedAt: noon, ExpiresAt: noon.Add(time.Hour),
	}
}

func newEnrolment(t testing.TB, s domain.Store, alter ...func(*domain.Enrolment)) domain.Enrolment {
	t.Helper()
	i := newInstance(t, s)
	e := sampleEnrolment(newClient(t, s, i.CAID).ID, i.ID)
	for _, change := range alter {
		change(&e)
	}
	check(t, s.Enrolments().Create(t.Context(), &e))
	return e
}

// enrolmentRules is the contract of domain.Enrolments.
var enrolmentRules = rules{
	{storedForm, testEnrolmentForm},
	{missing, testEnrolmentMissing},
	{updates, testEnrolmentUpdates},
	{references, testEnrolmentReferences},
	{order, testEnrolmentOrder},
}

func testEnrolmentForm(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("an enrolment is read back whole, by its id and by its secret", func(t *testing.T) {
		full := newEnrolment(t, s, func(e *domain.Enrolment) {
			e.Tries, e.RevokedAt, e.ClaimedAt = 3, noon.Add(1), noon.Add(time.Microsecond)
			e.RevokedAt, e.ClaimedFrom, e.ClaimHash = noon.Add(time.Millisecond), "2001:db8::1", octets()
		})
		least := newEnrolment(t, s, func(e *domain.Enrolment) { e.PINHash, e.Format = nil, "" })
		for _, want := range []domain.Enrolment{full, least} {
			wantSame(t, must(s.Enrolments().Get(ctx, want.ID))(t), want)
			wantSame(t, must(s.Enrolments().OfSecret(ctx, want.SecretHash))(t), want)
			check(t, s.Transact(ctx, func(tx domain.Store) error {
				locked, err := tx.Enrolments().Lock(ctx, want.ID)
				wantSame(t, locked, want)
				return err
			}))
		}
	})
	t.Run("no two have the same secret", func(t *testing.T) {
		again := newEnrolment(t, s)
		if err := s.Enrolments().Create(ctx, &again); err == nil {
			t.Error("a second one was stored")
		}
	})
}

func testEnrolmentMissing(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("what does not exist is missing", func(t *testing.T) {
		e := newEnrolment(t, s)
		for _, id := range []int64{0, -1, absent} {
			_, err := s.Enrolments().Get(ctx, id)
			wantMissing(t, err)
			_, err = s.Enrolments().Lock(ctx, id)
			wantMissing(t, err)
		}
		e.ID = absent
		wantMissing(t, s.Enrolments().Update(ctx, e))
		for _, secret := range [][]byte{nil, {}, {1}} {
			_, err := s.Enrolments().OfSecret(ctx, secret)
			wantMissing(t, err)
		}
	})
}

func testEnrolmentUpdates(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("an update stores tries, revocation and claim, and nothing else", func(t *testing.T) {
		before, beside := newEnrolment(t, s), newEnrolment(t, s)
		changed := sampleEnrolment(absent, absent)
		changed.ID, changed.Tries, changed.RevokedAt, changed.ClaimedAt = before.ID, 10, noon, noon.Add(time.Second)
		changed.ClaimedFrom, changed.ClaimHash = "192.0.2.1", []byte{1}
		check(t, s.Enrolments().Update(ctx, changed))
		want := before
		want.Tries, want.RevokedAt, want.ClaimedAt = 10, noon, noon.Add(time.Second)
		want.ClaimedFrom, want.ClaimHash = "192.0.2.1", []byte{1}
		wantSame(t, must(s.Enrolments().Get(ctx, before.ID))(t), want)
		wantSame(t, must(s.Enrolments().Get(ctx, beside.ID))(t), beside)
	})
	t.Run("those that have ended long ago are removed", func(t *testing.T) {
		old := newEnrolment(t, s, func(e *domain.Enrolment) { e.ExpiresAt = noon.AddDate(-1, 0, 0) })
		young := newEnrolment(t, s)
		check(t, s.Enrolments().Purge(ctx, noon.AddDate(-1, 0, 0)))
		must(s.Enrolments().Get(ctx, old.ID))(t)
		check(t, s.Enrolments().Purge(ctx, noon))
		_, err := s.Enrolments().Get(ctx, old.ID)
		wantMissing(t, err)
		must(s.Enrolments().Get(ctx, young.ID))(t)
	})
}

func testEnrolmentReferences(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("client and instance have to exist", func(t *testing.T) {
		good := newEnrolment(t, s)
		for _, e := range []domain.Enrolment{
			sampleEnrolment(absent, good.InstanceID), sampleEnrolment(good.ClientID, absent),
		} {
			err := s.Enrolments().Create(ctx, &e)
			wantFault(t, err, domain.NotFound, "client_id", domain.ReasonNotFound)
		}
	})
	t.Run("those of an instance can be removed", func(t *testing.T) {
		one, other := newEnrolment(t, s), newEnrolment(t, s)
		check(t, s.Enrolments().RemoveOf(ctx, one.InstanceID))
		_, err := s.Enrolments().Get(ctx, one.ID)
		wantMissing(t, err)
		must(s.Enrolments().Get(ctx, other.ID))(t)
	})
}

func testEnrolmentOrder(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("pages are by ascending id, of a client, of an instance, or of both", func(t *testing.T) {
		one := newEnrolment(t, s)
		sameClient := newEnrolment(t, s, func(e *domain.Enrolment) { e.ClientID = one.ClientID })
		sameInstance := newEnrolment(t, s, func(e *domain.Enrolment) { e.InstanceID = one.InstanceID })
		for filter, want := range map[domain.EnrolmentFilter][]domain.Enrolment{
			{}:                           {one, sameClient, sameInstance},
			{ClientID: one.ClientID}:     {one, sameClient},
			{InstanceID: one.InstanceID}: {one, sameInstance},
			{ClientID: one.ClientID, InstanceID: one.InstanceID}: {one},
			{ClientID: absent}: {},
		} {
			first := must(s.Enrolments().Page(ctx, filter, domain.PageRequest{Cursor: one.ID - 1, Size: 1}))(t)
			if len(want) == 0 {
				wantSame(t, len(first.Items), 0)
				continue
			}
			wantSame(t, first.Items, want[:1])
			rest := must(s.Enrolments().Page(ctx, filter, domain.PageRequest{Cursor: one.ID, Size: 10}))(t)
			wantSame(t, len(rest.Items), len(want)-1)
			for i, e := range rest.Items {
				wantSame(t, e, want[i+1])
			}
		}
	})
}
