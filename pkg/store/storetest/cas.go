package storetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

// caRules is the contract of domain.CAs, except for its pages.
var caRules = rules{
	{storedForm, testCAForm},
	{missing, testCAMissing},
	{unique, testCAUnique},
	{updates, testCAUpdates},
	{references, testCAReferences},
	{order, testCAOrder},
	{locks, testCALocks},
}

func testCAForm(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a created CA is read back whole", func(t *testing.T) {
		want := sampleCA(fresh("Matriz"))
		key := domain.CAKey{Certificate: []byte{0x30, 0, 0xff}, SealedKey: []byte("\x00sealed")}
		check(t, s.CAs().Create(ctx, &want, key, domain.CRLState{Number: 41}))
		if want.ID <= 0 || want.ID > domain.MaxID {
			t.Errorf("the id is %d", want.ID)
		}
		key.CAID = want.ID
		wantSame(t, must(s.CAs().Get(ctx, want.ID))(t), want)
		wantSame(t, must(s.CAs().Lock(ctx, want.ID))(t), want)
		wantSame(t, must(s.CAs().Key(ctx, want.ID))(t), key)
		wantSame(t, must(s.CRLs().LastNumber(ctx, want.ID))(t), 41)
		wantSame(t, must(s.Revocations().Epoch(ctx, want.ID))(t), 0)
	})
	t.Run("a CA has a sealed key, or the URI of one, and not both or neither", func(t *testing.T) {
		c := sampleCA(fresh("token"))
		c.KeyURI = "pkcs11:token=chaveiro;object=" + fresh("key")
		both := domain.CAKey{Certificate: octets(), SealedKey: octets()}
		if err := s.CAs().Create(ctx, &c, both, domain.CRLState{}); err == nil {
			t.Error("a CA has two keys")
		}
		key := domain.CAKey{Certificate: octets()}
		check(t, s.CAs().Create(ctx, &c, key, domain.CRLState{}))
		wantSame(t, must(s.CAs().Get(ctx, c.ID))(t), c)
		got := must(s.CAs().Key(ctx, c.ID))(t)
		wantSame(t, len(got.SealedKey), 0)
		wantSame(t, got.KeyURI, c.KeyURI)
		wantSame(t, slices.Contains(must(s.CAs().KeyURIs(ctx))(t), c.KeyURI), true)
		check(t, s.CAs().Renew(ctx, c, key))
		if err := s.CAs().Renew(ctx, c, both); err == nil {
			t.Error("a renewal has given a CA two keys")
		}
		without := sampleCA(fresh("keyless"))
		if err := s.CAs().Create(ctx, &without, key, domain.CRLState{}); err == nil {
			t.Error("a CA has no key")
		}
	})
}

func testCAMissing(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("an id that does not exist is missing", func(t *testing.T) {
		for _, id := range []int64{0, -1, absent} {
			_, err := s.CAs().Get(ctx, id)
			wantMissing(t, err)
			_, err = s.CAs().Lock(ctx, id)
			wantMissing(t, err)
			_, err = s.CAs().Key(ctx, id)
			wantMissing(t, err)
			wantMissing(t, s.CAs().Delete(ctx, id))
		}
		gone := sampleCA("gone")
		gone.ID = absent
		wantMissing(t, s.CAs().Update(ctx, gone))
	})
	t.Run("a name that no database can hold is not taken", func(t *testing.T) {
		for _, name := range []string{"a\x00b", "a\xffb"} {
			wantSame(t, must(s.CAs().NameTaken(ctx, name))(t), false)
		}
	})
}

func testCAUnique(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a name is taken regardless of case", func(t *testing.T) {
		taken := newCA(t, s)
		again := sampleCA(strings.ToUpper(taken.Name))
		wantFault(
			t,
			s.CAs().Create(ctx, &again, domain.CAKey{Certificate: []byte{1}, SealedKey: []byte{1}}, domain.CRLState{}),
			domain.Duplicated, "name", domain.ReasonDuplicated,
		)
		wantSame(t, must(s.CAs().NameTaken(ctx, strings.ToUpper(taken.Name)))(t), true)
		wantSame(t, must(s.CAs().NameTaken(ctx, taken.Name+"x"))(t), false)
	})
	t.Run("a key is taken", func(t *testing.T) {
		first, second := sampleCA(fresh("ca")), sampleCA(fresh("ca"))
		key := domain.CAKey{Certificate: []byte{1}, SealedKey: []byte{1}, Fingerprint: fresh("fingerprint")}
		check(t, s.CAs().Create(ctx, &first, key, domain.CRLState{}))
		for fingerprint, want := range map[string]bool{key.Fingerprint: true, "another": false, "": false} {
			wantSame(t, must(s.CAs().KeyTaken(ctx, fingerprint))(t), want)
		}
		wantFault(
			t, s.CAs().Create(ctx, &second, key, domain.CRLState{}), domain.Duplicated, "cert", domain.ReasonDuplicated,
		)
		key.Fingerprint = fresh("fingerprint")
		check(t, s.CAs().Create(ctx, &second, key, domain.CRLState{}))
	})
}

func testCAUpdates(t *testing.T, s domain.Store) {
	t.Run("an update changes the record, and an empty value clears", func(t *testing.T) { testCAUpdate(t, s) })
}

func testCAReferences(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("deletion takes its CRLs and imported revocations along", func(t *testing.T) {
		c := newCA(t, s)
		check(t, s.Revocations().Add(ctx, []domain.Revocation{{CAID: c.ID, Serial: "01", RevokedAt: noon, Epoch: 1}}))
		publish(t, s, c.ID, 1)
		check(t, s.CAs().Delete(ctx, c.ID))
		_, err := s.CAs().Get(ctx, c.ID)
		wantMissing(t, err)
		_, found, err := s.CRLs().Latest(ctx, c.ID)
		check(t, err)
		_, listed, err := s.Revocations().Find(ctx, c.ID, "01")
		check(t, err)
		if found || listed {
			t.Errorf("CRL left: %t, revocation left: %t", found, listed)
		}
	})
	t.Run("deletion is refused while it has clients, and changes nothing", func(t *testing.T) {
		c := newCA(t, s)
		client := newClient(t, s, c.ID)
		wantFault(t, s.CAs().Delete(ctx, c.ID), domain.Rule, "id", domain.ReasonCAInUse)
		cert := sampleCertificate(client, "0a")
		check(t, s.Certificates().Create(ctx, &cert))
		check(t, s.Revocations().Add(ctx, []domain.Revocation{{CAID: c.ID, Serial: "0a", RevokedAt: noon, Epoch: 1}}))
		wantFault(t, s.CAs().Delete(ctx, c.ID), domain.Rule, "id", domain.ReasonCAInUse)
		wantSame(t, must(s.CAs().Get(ctx, c.ID))(t), c)
		_, listed, err := s.Revocations().Find(ctx, c.ID, "0a")
		check(t, err)
		wantSame(t, listed, true)
	})
	t.Run("deletion frees the name, never the id", func(t *testing.T) {
		old := newCA(t, s)
		check(t, s.CAs().Delete(ctx, old.ID))
		again := sampleCA(old.Name)
		check(
			t,
			s.CAs().Create(ctx, &again, domain.CAKey{Certificate: []byte{1}, SealedKey: []byte{1}}, domain.CRLState{}),
		)
		if again.ID <= old.ID {
			t.Errorf("id %d after %d", again.ID, old.ID)
		}
	})
}

func testCAOrder(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("the ids are those of all CAs in order", func(t *testing.T) {
		first, second := newCA(t, s), newCA(t, s)
		ids := must(s.CAs().IDs(ctx))(t)
		wantSame(t, ids[len(ids)-2:], []int64{first.ID, second.ID})
	})
}

func testCAUpdate(t *testing.T, s domain.Store) {
	before := newCA(t, s)
	asked := before
	asked.Description, asked.Subject, asked.UpdatedAt = "", domain.Subject{Email: "novo@example.com"},
		noon.Add(time.Hour)
	want := asked
	asked.Name, asked.KeyAlgorithm, asked.ExpiresAt, asked.CreatedAt = "other", "rsa-2048", noon, noon.Add(time.Hour)
	check(t, s.CAs().Update(t.Context(), asked))
	wantSame(t, must(s.CAs().Get(t.Context(), before.ID))(t), want)
	wantSame(t, string(must(s.CAs().Key(t.Context(), before.ID))(t).Certificate), "certificate")
}

// testDeleteRace checks that no client is without its CA, whichever comes first.
func testDeleteRace(t *testing.T, s domain.Store) {
	for range 10 {
		authority := newCA(t, s)
		_, faults := domaintest.Together(2, func(i int) (int64, error) {
			if i == 0 {
				return 0, s.CAs().Delete(t.Context(), authority.ID)
			}
			c := sampleClient(authority.ID, fresh("client"))
			return c.ID, s.Clients().Create(t.Context(), &c)
		})
		switch {
		case faults[0] == nil:
			wantFault(t, faults[1], domain.NotFound, "ca_id", domain.ReasonNotFound)
		default:
			wantFault(t, faults[0], domain.Rule, "id", domain.ReasonCAInUse)
			check(t, faults[1])
		}
	}
}

func testCALocks(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("of two who delete and use a CA one wins", func(t *testing.T) { testDeleteRace(t, s) })
	t.Run("a locked row loses no update", func(t *testing.T) {
		authority := newCA(t, s)
		authority.Description = "0"
		check(t, s.CAs().Update(ctx, authority))
		wantNoLostUpdate(t, s, func(tx domain.Store) error {
			c, err := tx.CAs().Lock(ctx, authority.ID)
			if err == nil {
				c.Description, err = incremented(c.Description)
			}
			if err != nil {
				return err
			}
			return tx.CAs().Update(ctx, c)
		}, func() string { return must(s.CAs().Get(ctx, authority.ID))(t).Description })
	})
}

func sampleCA(name string) domain.CA {
	return domain.CA{
		Name: name, Description: "a CA", Subject: sampleSubject(), KeyAlgorithm: "ecdsa-p256",
		ExpiresAt: noon.AddDate(20, 0, 0), CreatedAt: noon, UpdatedAt: noon.Add(time.Second),
	}
}

func sampleSubject() domain.Subject {
	return domain.Subject{
		Country: "BR", Province: "SP", City: "São Paulo", Organization: "Empresa", Sector: "TI",
		Email: "ti@example.com",
	}
}

func newCA(t testing.TB, s domain.Store) domain.CA {
	t.Helper()
	c := sampleCA(fresh("ca"))
	check(
		t,
		s.CAs().
			Create(
				t.Context(), &c, domain.CAKey{Certificate: []byte("certificate"), SealedKey: []byte("key")},
				domain.CRLState{},
			),
	)
	return c
}

func testCAPages(t *testing.T, s domain.Store) {
	ctx := t.Context()
	var all []domain.CA
	var ids []int64
	for range 23 {
		c := newCA(t, s)
		all, ids = append(all, c), append(ids, c.ID)
	}
	t.Run("the items are whole", func(t *testing.T) {
		wantSame(t, must(s.CAs().Page(ctx, domain.PageRequest{Size: 100}))(t).Items, all)
	})
	t.Run("every size walks over all", func(t *testing.T) {
		for _, size := range []int{1, 2, 5, 22, 23, 24, 100} {
			walk(t, s.CAs().Page, ids, size)
		}
	})
	t.Run("past the end there is nothing, and the previous page is the last", func(t *testing.T) {
		for _, cursor := range []int64{ids[22], absent, domain.MaxID} {
			page, err := s.CAs().Page(ctx, domain.PageRequest{Cursor: cursor, Size: 5})
			wantPage(t, page, err, ids, cursor, 5)
			wantSame(t, *page.Previous, ids[17])
		}
	})
	t.Run("the cursor of a CA that was deleted goes on after it", func(t *testing.T) {
		check(t, s.CAs().Delete(ctx, ids[9]))
		left := slices.Delete(slices.Clone(ids), 9, 10)
		page, err := s.CAs().Page(ctx, domain.PageRequest{Cursor: ids[9], Size: 4})
		wantPage(t, page, err, left, ids[9], 4)
		wantSame(t, pageIDs(page), ids[10:14])
		walk(t, s.CAs().Page, left, 4)
	})
}
