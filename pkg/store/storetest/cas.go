package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func testCAs(t *testing.T, s domain.Store) {
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
	testCAChanges(t, s)
}

func testCAChanges(t *testing.T, s domain.Store) {
	ctx := t.Context()
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
	t.Run("a name that no database can hold is not taken", func(t *testing.T) {
		for _, name := range []string{"a\x00b", "a\xffb"} {
			wantSame(t, must(s.CAs().NameTaken(ctx, name))(t), false)
		}
	})
	t.Run("an update changes the record, and an empty value clears", func(t *testing.T) { testCAUpdate(t, s) })
	t.Run("the ids are those of all CAs in order", func(t *testing.T) {
		first, second := newCA(t, s), newCA(t, s)
		ids := must(s.CAs().IDs(ctx))(t)
		wantSame(t, ids[len(ids)-2:], []int64{first.ID, second.ID})
	})
	t.Run("deletion", func(t *testing.T) { testCADeletion(t, s) })
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

func testCADeletion(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("takes its CRLs and imported revocations along", func(t *testing.T) {
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
	t.Run("is refused while it has clients, and changes nothing", func(t *testing.T) {
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
	t.Run("frees the name, never the id", func(t *testing.T) {
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
