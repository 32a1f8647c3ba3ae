package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

// testClientNames: a name is held by a client in force or suspended, and by no other.
func testClientNames(t *testing.T, s domain.Store) {
	authority := newCA(t, s)
	names := clientNames{s, authority.ID}
	t.Run("a client that is revoked, ended or both does not hold its name", names.testFree)
	t.Run("an ended client holds its name until it is freed", names.testFreeName)
	t.Run("revoking for good frees a name, suspending does not", names.testRevoke)
	t.Run("the clients that hold names are found together", names.testHolding)
	t.Run("of many who take a name that has come free one wins", names.testRace)
}

type clientNames struct {
	domain.Store
	caID int64
}

func (n clientNames) create(t *testing.T, name string, alter func(*domain.Client)) error {
	t.Helper()
	c := sampleClient(n.caID, name)
	alter(&c)
	return n.Clients().Create(t.Context(), &c)
}

func asIs(*domain.Client) {}

// want checks whether a name is taken, by asking and by trying; it is taken afterwards.
func (n clientNames) want(t *testing.T, name string, taken bool) {
	t.Helper()
	wantSame(t, must(n.Clients().NameTaken(t.Context(), strings.ToUpper(name), noon))(t), taken)
	err := n.create(t, name, asIs)
	if !taken {
		check(t, err)
		return
	}
	wantFault(t, err, domain.Duplicated, "name", domain.ReasonDuplicated)
}

func (n clientNames) testFree(t *testing.T) {
	revoked := func(reason domain.RevocationReason) func(*domain.Client) {
		return func(c *domain.Client) { c.RevokedAt, c.Reason = noon.Add(-time.Hour), reason }
	}
	ended := func(c *domain.Client) { c.ExpiresAt = noon }
	for _, test := range []struct {
		sentence string
		alter    func(*domain.Client)
		holds    bool
	}{
		{"in force", asIs, true},
		{"suspended", revoked(domain.CertificateHold), true},
		{"revoked", revoked(domain.Unspecified), false},
		{"superseded", revoked(domain.Superseded), false},
		{"ended", ended, false},
		{"suspended and ended", func(c *domain.Client) { revoked(domain.CertificateHold)(c); ended(c) }, false},
		{"until a moment later", func(c *domain.Client) { c.ExpiresAt = noon.Add(time.Microsecond) }, true},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			name := fresh("Filial")
			check(t, n.create(t, name, test.alter))
			n.want(t, name, test.holds)
			if !test.holds { // two that do not hold it are no conflict either
				check(t, n.create(t, name, test.alter))
			}
		})
	}
}

func (n clientNames) testFreeName(t *testing.T) {
	ctx, name := t.Context(), fresh("Filial")
	soon := noon.Add(time.Hour)
	check(t, n.create(t, name, func(c *domain.Client) { c.ExpiresAt = soon }))
	wantSame(t, must(n.Clients().NameTaken(ctx, name, soon.Add(-time.Microsecond)))(t), true)
	wantSame(t, must(n.Clients().NameTaken(ctx, name, soon))(t), false)
	wantFault(t, n.create(t, name, asIs), domain.Duplicated, "name", domain.ReasonDuplicated)
	wantSame(t, must(n.Clients().FreeName(ctx, name, soon.Add(-time.Microsecond)))(t), false)
	wantFault(t, n.create(t, name, asIs), domain.Duplicated, "name", domain.ReasonDuplicated)
	wantSame(t, must(n.Clients().FreeName(ctx, strings.ToUpper(name), soon))(t), true)
	wantSame(t, must(n.Clients().FreeName(ctx, name, soon))(t), false)
	n.want(t, name, false)
	wantSame(t, must(n.Clients().FreeName(ctx, fresh("nobody"), soon))(t), false)
}

func (n clientNames) testHolding(t *testing.T) {
	held, ended, revoked := newClient(t, n, n.caID), sampleClient(n.caID, fresh("Ended")), newClient(t, n, n.caID)
	ended.ExpiresAt = noon.Add(time.Hour)
	check(t, n.Clients().Create(t.Context(), &ended))
	check(t, n.Clients().Revoke(t.Context(), revoked.ID, noon, domain.KeyCompromise))
	asked := []string{strings.ToUpper(held.Name), ended.Name, revoked.Name, "nobody", "a\x00b", "\xff"}
	for range 2000 { // more than one statement takes
		asked = append(asked, fresh("nobody"))
	}
	found := must(n.Clients().Holding(t.Context(), append(asked, held.Name)))(t)
	wantSame(t, found, map[string]domain.Client{
		domain.NameKey(held.Name):  must(n.Clients().Get(t.Context(), held.ID))(t),
		domain.NameKey(ended.Name): must(n.Clients().Get(t.Context(), ended.ID))(t),
	})
	wantSame(t, len(must(n.Clients().Holding(t.Context(), nil))(t)), 0)
}

func (n clientNames) testRevoke(t *testing.T) {
	ctx := t.Context()
	client := newClient(t, n, n.caID)
	check(t, n.Clients().Revoke(ctx, client.ID, noon, domain.CertificateHold))
	n.want(t, client.Name, true)
	check(t, n.Clients().Revoke(ctx, client.ID, noon, domain.KeyCompromise))
	n.want(t, client.Name, false)
	n.want(t, client.Name, true)
}

func (n clientNames) testRace(t *testing.T) {
	client := newClient(t, n, n.caID)
	check(t, n.Clients().Revoke(t.Context(), client.ID, noon, domain.Unspecified))
	_, faults := domaintest.Together(8, func(i int) (struct{}, error) {
		if i%2 == 0 {
			return struct{}{}, n.Clients().Renew(t.Context(), client)
		}
		return struct{}{}, n.create(t, client.Name, asIs)
	})
	made := 0
	for i, err := range faults {
		switch {
		case err == nil && i%2 == 1:
			made++
		case err != nil:
			wantFault(t, err, domain.Duplicated, "name", domain.ReasonDuplicated)
		}
	}
	renewed := !must(n.Clients().Get(t.Context(), client.ID))(t).Revoked()
	if made > 1 || made == 1 == renewed {
		t.Errorf("%d were made, the other was renewed: %t (%v)", made, renewed, faults)
	}
	n.want(t, client.Name, true)
}

// testClientRenewal: a renewal stores what the next certificate says, and takes the name.
func testClientRenewal(t *testing.T, s domain.Store) {
	ctx := t.Context()
	authority := newCA(t, s)
	t.Run("a renewal changes what it names, and nothing else", func(t *testing.T) {
		before, beside := newClient(t, s, authority.ID), newClient(t, s, authority.ID)
		check(t, s.Clients().Revoke(ctx, before.ID, noon, domain.KeyCompromise))
		asked := before
		asked.Take(domain.Certificate{
			Serial: "0b", Fingerprint: "0d", KeyAlgorithm: "rsa-2048", NotBefore: noon, NotAfter: noon.AddDate(2, 0, 0),
		})
		asked.Name, asked.UpdatedAt = fresh("Novo"), noon.Add(time.Hour)
		want := asked
		asked.Description, asked.Subject, asked.CAID, asked.CreatedAt = "", domain.Subject{}, absent, noon.Add(time.Hour)
		check(t, s.Clients().Renew(ctx, asked))
		wantSame(t, must(s.Clients().Get(ctx, before.ID))(t), want)
		wantSame(t, must(s.Clients().Get(ctx, beside.ID))(t), beside)
		wantSame(t, must(s.Clients().NameTaken(ctx, asked.Name, noon))(t), true)
		wantSame(t, must(s.Clients().NameTaken(ctx, before.Name, noon))(t), false)
	})
	t.Run("a client that was marked as ended is valid again", func(t *testing.T) {
		before := sampleClient(newCA(t, s).ID, fresh("client"))
		before.ExpiresAt = noon
		check(t, s.Clients().Create(ctx, &before))
		must(s.Clients().MarkExpired(ctx, noon, 10))(t)
		before.ExpiresAt = noon.AddDate(1, 0, 0)
		check(t, s.Clients().Renew(ctx, before))
		wantIDs(t, s, domain.ClientFilter{CAID: before.CAID, Status: domain.StatusValid}, before.ID)
		wantIDs(t, s, domain.ClientFilter{CAID: before.CAID, Status: domain.StatusExpired})
	})
	t.Run("a name that another holds is refused, and nothing has changed", func(t *testing.T) {
		holder, want := newClient(t, s, authority.ID), newClient(t, s, authority.ID)
		asked := want
		asked.Name, asked.Serial = strings.ToUpper(holder.Name), "0b"
		wantFault(t, s.Clients().Renew(ctx, asked), domain.Duplicated, "name", domain.ReasonDuplicated)
		wantSame(t, must(s.Clients().Get(ctx, want.ID))(t), want)
	})
	t.Run("an id that does not exist is missing", func(t *testing.T) {
		gone := sampleClient(authority.ID, fresh("client"))
		gone.ID = absent
		wantMissing(t, s.Clients().Renew(ctx, gone))
	})
}
