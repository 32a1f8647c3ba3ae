package storetest

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // so that Lisbon is known everywhere

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

// clientRules is the contract of domain.Clients, except for what has a group of its own.
var clientRules = rules{
	{storedForm, testClientForm},
	{missing, testClientMissing},
	{unique, testClientUnique},
	{references, testClientReferences},
	{updates, testClientUpdates},
	{"Names", testClientNames},
	{"Kinds", testClientKinds},
	{"Renewal", testClientRenewal},
	{"Walk", testWalkByExpiry},
	{locks, testClientLocks},
}

func testClientForm(t *testing.T, s domain.Store) {
	ctx := t.Context()
	authority := newCA(t, s)
	t.Run("a created client is read back whole", func(t *testing.T) {
		want := sampleClient(authority.ID, fresh("Filial"))
		want.RevokedAt = noon.Add(-time.Hour)
		check(t, s.Clients().Create(ctx, &want))
		wantSame(t, must(s.Clients().Get(ctx, want.ID))(t), want)
		wantSame(t, must(s.Clients().Lock(ctx, want.ID))(t), want)
	})
	t.Run("one that is suspended, and one without a certificate, are read back whole", func(t *testing.T) {
		held, bare := sampleClient(authority.ID, fresh("Filial")), sampleClient(authority.ID, fresh("Filial"))
		held.RevokedAt, held.Reason = noon.Add(-time.Hour), domain.CertificateHold
		bare.Take(domain.Certificate{NotAfter: noon.AddDate(1, 0, 0)})
		bare.NotBefore = time.Time{}
		for _, want := range []domain.Client{held, bare} {
			check(t, s.Clients().Create(ctx, &want))
			wantSame(t, must(s.Clients().Get(ctx, want.ID))(t), want)
		}
	})
}

func testClientMissing(t *testing.T, s domain.Store) {
	ctx := t.Context()
	authority := newCA(t, s)
	t.Run("an id that does not exist is missing", func(t *testing.T) {
		for _, id := range []int64{0, -1, absent} {
			_, err := s.Clients().Get(ctx, id)
			wantMissing(t, err)
			_, err = s.Clients().Lock(ctx, id)
			wantMissing(t, err)
			wantMissing(t, s.Clients().Revoke(ctx, id, noon, domain.Unspecified))
		}
		gone := sampleClient(authority.ID, "gone")
		gone.ID = absent
		wantMissing(t, s.Clients().Update(ctx, gone))
	})
	t.Run("a name that no database can hold is not taken", func(t *testing.T) {
		for _, name := range []string{"a\x00b", "a\xffb"} {
			wantSame(t, must(s.Clients().NameTaken(ctx, name, noon))(t), false)
		}
	})
}

func testClientUnique(t *testing.T, s domain.Store) {
	ctx := t.Context()
	authority := newCA(t, s)
	t.Run("a name is taken regardless of case, and of the CA", func(t *testing.T) {
		taken := newClient(t, s, authority.ID)
		again := sampleClient(newCA(t, s).ID, strings.ToUpper(taken.Name))
		wantFault(t, s.Clients().Create(ctx, &again), domain.Duplicated, "name", domain.ReasonDuplicated)
		wantSame(t, must(s.Clients().NameTaken(ctx, strings.ToUpper(taken.Name), noon))(t), true)
		wantSame(t, must(s.Clients().NameTaken(ctx, taken.Name+"x", noon))(t), false)
	})
}

func testClientReferences(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a CA that does not exist is not found", func(t *testing.T) {
		orphan := sampleClient(absent, fresh("client"))
		wantFault(t, s.Clients().Create(ctx, &orphan), domain.NotFound, "ca_id", domain.ReasonNotFound)
		wantSame(t, must(s.Clients().NameTaken(ctx, orphan.Name, noon))(t), false)
	})
}

func testClientUpdates(t *testing.T, s domain.Store) {
	ctx := t.Context()
	authority := newCA(t, s)
	t.Run(
		"an update changes the record alone, and an empty value clears",
		func(t *testing.T) { testClientUpdate(t, s, authority.ID) },
	)
	t.Run("revoking sets time and reason, again and again", func(t *testing.T) {
		client := newClient(t, s, authority.ID)
		for i, reason := range []domain.RevocationReason{
			domain.CertificateHold, domain.KeyCompromise, domain.Unspecified,
		} {
			client.RevokedAt, client.Reason = noon.Add(time.Duration(i)*time.Hour), reason
			client.UpdatedAt = client.RevokedAt
			check(t, s.Clients().Revoke(ctx, client.ID, client.RevokedAt, reason))
			wantSame(t, must(s.Clients().Get(ctx, client.ID))(t), client)
		}
	})
}

func testClientUpdate(t *testing.T, s domain.Store, caID int64) {
	before := newClient(t, s, caID)
	asked := before
	asked.Description, asked.Subject, asked.UpdatedAt = "", domain.Subject{Email: "novo@example.com"},
		noon.Add(time.Hour)
	want := asked
	asked.Name, asked.CAID, asked.ExpiresAt, asked.RevokedAt, asked.CreatedAt = "other", absent, noon, noon,
		noon.Add(time.Hour)
	check(t, s.Clients().Update(t.Context(), asked))
	wantSame(t, must(s.Clients().Get(t.Context(), before.ID))(t), want)
}

// wantIDs checks which clients a filter selects.
func wantIDs(t testing.TB, s domain.Store, filter domain.ClientFilter, want ...int64) {
	t.Helper()
	page := must(s.Clients().Page(t.Context(), filter, domain.PageRequest{Size: 100}))(t)
	if page.Next != nil {
		t.Fatal("more than one page")
	}
	got := make([]int64, len(page.Items))
	for i, c := range page.Items {
		got[i] = c.ID
	}
	if len(want) == 0 {
		want = []int64{}
	}
	wantSame(t, got, want)
}

func testOneName(t *testing.T, s domain.Store) {
	authority := newCA(t, s)
	name := fresh("client")
	ids, faults := domaintest.Together(16, func(int) (int64, error) {
		c := sampleClient(authority.ID, name)
		err := s.Clients().Create(t.Context(), &c)
		return c.ID, err
	})
	winners := 0
	for i, err := range faults {
		if err == nil {
			winners++
			wantSame(t, must(s.Clients().Get(t.Context(), ids[i]))(t).Name, name)
			continue
		}
		wantFault(t, err, domain.Duplicated, "name", domain.ReasonDuplicated)
	}
	wantSame(t, winners, 1)
}

func testClientLocks(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("of many who create one name one wins and the others are told", func(t *testing.T) { testOneName(t, s) })
	t.Run("a locked row loses no update", func(t *testing.T) {
		client := newClient(t, s, newCA(t, s).ID)
		client.Description = "0"
		check(t, s.Clients().Update(ctx, client))
		wantNoLostUpdate(t, s, func(tx domain.Store) error {
			c, err := tx.Clients().Lock(ctx, client.ID)
			if err == nil {
				c.Description, err = incremented(c.Description)
			}
			if err != nil {
				return err
			}
			return tx.Clients().Update(ctx, c)
		}, func() string { return must(s.Clients().Get(ctx, client.ID))(t).Description })
	})
}

func sampleClient(caID int64, name string) domain.Client {
	return domain.Client{
		CAID: caID, Name: name, Description: "a client", Subject: sampleSubject(), Serial: "0a1b",
		Fingerprint: "0c", KeyAlgorithm: "ed25519", KeyProtected: true, NotBefore: noon.Add(-time.Minute),
		ExpiresAt: noon.AddDate(1, 0, 0), CreatedAt: noon, UpdatedAt: noon.Add(time.Second),
	}
}

func newClient(t testing.TB, s domain.Store, caID int64) domain.Client {
	t.Helper()
	c := sampleClient(caID, fresh("client"))
	check(t, s.Clients().Create(t.Context(), &c))
	return c
}
