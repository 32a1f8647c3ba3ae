package storetest

import (
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// archiveRules is the contract of domain.Archive. Each has a time of its own before which what it
// archives has ended.
var archiveRules = rules{
	{storedForm, testArchiveForm},
	{"Last", testArchiveLast},
	{"Placed", testArchivePlaced},
	{"Revoked", testArchiveRevoked},
	{"Kept", testArchiveKept},
	{order, testArchiveOrder},
	{references, testArchiveReferences},
}

// endedIn makes a certificate that ended in a year.
func endedIn(
	t testing.TB, s domain.Store, year int, client domain.Client, alter ...func(*domain.Certificate),
) domain.Certificate {
	t.Helper()
	end := func(c *domain.Certificate) { c.NotAfter = time.Date(year, 6, 1, 12, 0, 0, 0, time.UTC) }
	return newCertificate(t, s, client, append([]func(*domain.Certificate){end}, alter...)...)
}

// spanOf is what ended in a year or before.
func spanOf(year int, last bool) domain.ArchiveSpan {
	return domain.ArchiveSpan{EndedBefore: time.Date(year+1, 1, 1, 0, 0, 0, 0, time.UTC), Last: last}
}

func keyOf(c domain.Certificate) domain.ArchiveKey {
	return domain.ArchiveKey{ID: c.ID, ClientID: c.ClientID, NotAfter: c.NotAfter}
}

// move moves certificates, and returns what was moved.
func move(
	t testing.TB, s domain.Store, span domain.ArchiveSpan, clients map[int64]string, certs ...domain.Certificate,
) (moved []domain.ArchivedCertificate) {
	t.Helper()
	var keys []domain.ArchiveKey
	for _, c := range certs {
		keys = append(keys, keyOf(c))
	}
	check(t, s.Transact(t.Context(), func(tx domain.Store) (err error) {
		moved, err = tx.Archive().Move(t.Context(), span, keys, clients, noon)
		return err
	}))
	return moved
}

// wantDue checks which certificates of a span are due, from those that ended in its year on.
func wantDue(t testing.TB, s domain.Store, span domain.ArchiveSpan, want ...domain.Certificate) {
	t.Helper()
	begin := domain.ArchiveKey{NotAfter: span.EndedBefore.AddDate(-1, 0, 0)}
	var keys []domain.ArchiveKey
	for _, c := range want {
		keys = append(keys, keyOf(c))
	}
	got, next, err := s.Archive().Due(t.Context(), span, begin, 100)
	check(t, err)
	wantSame(t, got, keys)
	wantSame(t, next == nil, true)
}

func testArchiveForm(t *testing.T, s domain.Store) {
	ctx := t.Context()
	span := spanOf(2001, false)
	client := newClient(t, s, newCA(t, s).ID)
	earlier := endedIn(t, s, 2001, client, func(c *domain.Certificate) { c.SupersededAt = noon.AddDate(-20, 0, 0) })
	newCertificate(t, s, client)
	t.Run("an earlier certificate of a client moves whole, without its key", func(t *testing.T) {
		wantDue(t, s, span, earlier)
		want := domain.ArchivedCertificate{Certificate: earlier, ArchivedAt: noon}
		want.SealedKey, want.KeyKept, want.KeyProtected = nil, false, false
		wantSame(t, move(t, s, span, nil, earlier), []domain.ArchivedCertificate{want})
		for _, f := range []domain.ArchiveFilter{
			{CAID: earlier.CAID}, {Name: earlier.Name}, {Serials: []string{"none", earlier.Serial}},
			{Fingerprint: earlier.Fingerprint, CAID: earlier.CAID},
		} {
			page := must(s.Archive().Page(ctx, f, domain.PageRequest{Size: 10}))(t)
			wantSame(t, page.Items, []domain.ArchivedCertificate{want})
		}
		there := must(s.Archive().Serials(ctx, earlier.CAID, []string{"none", earlier.Serial}))(t)
		wantSame(t, there, map[string]bool{earlier.Serial: true})
		_, err := s.Certificates().Get(ctx, earlier.ID)
		wantMissing(t, err)
	})
	t.Run("its status is known", func(t *testing.T) {
		status := must(s.Revocations().Status(ctx, earlier.CAID, earlier.Serial))(t)
		wantSame(t, status.Issued && status.RevokedAt.IsZero(), true)
	})
	t.Run("it moves once", func(t *testing.T) {
		wantDue(t, s, span)
		wantSame(t, len(move(t, s, span, nil, earlier)), 0)
	})
}

func testArchiveLast(t *testing.T, s domain.Store) {
	ctx := t.Context()
	client := newClient(t, s, newCA(t, s).ID)
	earlier, last := endedIn(t, s, 2002, client), endedIn(t, s, 2003, client)
	t.Run("the last one waits for the others", func(t *testing.T) {
		wantDue(t, s, spanOf(2003, true))
		wantSame(t, len(move(t, s, spanOf(2003, true), nil, last)), 0)
		certificates, clients, err := s.Archive().Count(ctx, spanOf(2003, true).EndedBefore)
		check(t, err)
		wantSame(t, []int64{certificates, clients}, []int64{2, 1})
		move(t, s, spanOf(2003, false), nil, earlier)
	})
	t.Run("the client goes with it", func(t *testing.T) {
		wantDue(t, s, spanOf(2003, false))
		wantDue(t, s, spanOf(2003, true), last)
		moved := move(t, s, spanOf(2003, true), map[int64]string{client.ID: `{"name":"a"}`}, last)
		wantSame(t, moved[0].Client, `{"name":"a"}`)
		_, err := s.Clients().Get(ctx, client.ID)
		wantMissing(t, err)
	})
}

func testArchivePlaced(t *testing.T, s domain.Store) {
	span := spanOf(2004, true)
	var linked domain.Client
	linked.ID = newEnrolment(t, s).ClientID
	linked = must(s.Clients().Get(t.Context(), linked.ID))(t)
	endedIn(t, s, 2004, linked)
	config := newConfig(t, s, newInstance(t, s))
	endedIn(t, s, 2004, must(s.Clients().Get(t.Context(), config.ClientID))(t))
	t.Run("a client with a link or a place at a server stays", func(t *testing.T) { wantDue(t, s, span) })
}

func testArchiveRevoked(t *testing.T, s domain.Store) {
	ctx := t.Context()
	span := spanOf(2005, false)
	authority := newCA(t, s)
	ownerless := domain.Client{CAID: authority.ID, Name: "vpn"}
	cert := endedIn(t, s, 2005, ownerless, func(c *domain.Certificate) {
		c.Kind, c.RevokedAt, c.Reason = domain.CertificateOfServer, noon.AddDate(-30, 0, 0), domain.KeyCompromise
	})
	revoke := func(r domain.Revocation) {
		check(t, s.Transact(ctx, func(tx domain.Store) (err error) {
			r.CAID = authority.ID
			if r.Epoch, err = tx.Revocations().Advance(ctx, r.CAID); err != nil {
				return err
			}
			return tx.Revocations().Add(ctx, []domain.Revocation{r})
		}))
	}
	list := func(number, epoch int64, begins time.Time) {
		crl := sampleCRL(authority.ID, number)
		crl.Epoch, crl.ThisUpdate = epoch, begins
		wantSame(t, must(s.CRLs().Publish(ctx, crl))(t), true)
	}
	since := noon.AddDate(-31, 0, 0)
	revoke(domain.Revocation{
		Serial: cert.Serial, RevokedAt: cert.RevokedAt, Reason: cert.Reason, NotAfter: cert.NotAfter,
		InvalidSince: since,
	})
	t.Run("it stays until it was on a list after its end", func(t *testing.T) {
		revoke(domain.Revocation{Serial: "0a", RevokedAt: noon})
		wantDue(t, s, span)
		list(1, 2, cert.NotAfter)
		wantDue(t, s, span)
		list(2, 2, cert.NotAfter.Add(time.Second))
		wantDue(t, s, span, cert)
	})
	t.Run("its revocation goes with it, and its status stays", func(t *testing.T) {
		moved := move(t, s, span, nil, cert)
		wantSame(t, moved[0].InvalidSince, since)
		_, listed, err := s.Revocations().Find(ctx, authority.ID, cert.Serial)
		check(t, err)
		wantSame(t, listed, false)
		status := must(s.Revocations().Status(ctx, authority.ID, cert.Serial))(t)
		wantSame(t, status.RevokedAt, cert.RevokedAt)
		wantSame(t, status.Reason, domain.KeyCompromise)
	})
	t.Run("the newest revocation of a CA stays", func(t *testing.T) {
		newest := endedIn(t, s, 2005, ownerless)
		revoke(domain.Revocation{Serial: newest.Serial, RevokedAt: noon, NotAfter: newest.NotAfter})
		list(3, 3, noon)
		wantDue(t, s, span)
		revoke(domain.Revocation{Serial: "0b", RevokedAt: noon})
		wantDue(t, s, span, newest)
	})
	t.Run("one whose end the list does not know stays", func(t *testing.T) {
		foreign := endedIn(t, s, 2006, ownerless)
		revoke(domain.Revocation{Serial: foreign.Serial, RevokedAt: noon})
		revoke(domain.Revocation{Serial: "0c", RevokedAt: noon})
		list(4, 6, noon)
		wantDue(t, s, spanOf(2006, false))
	})
}

func testArchiveKept(t *testing.T, s domain.Store) {
	span := spanOf(2007, false)
	authority := newCA(t, s)
	ownerless := domain.Client{CAID: authority.ID, Name: "vpn"}
	endedIn(t, s, 2007, ownerless, func(c *domain.Certificate) { c.Kind = domain.CertificateOfCA })
	i := newInstance(t, s)
	present := must(s.Certificates().Get(t.Context(), i.CertificateID))(t)
	t.Run("one of a CA stays", func(t *testing.T) { wantDue(t, s, span) })
	t.Run("the present one of a server stays", func(t *testing.T) {
		late := domain.ArchiveSpan{EndedBefore: present.NotAfter.AddDate(1, 0, 0)}
		wantSame(t, len(move(t, s, late, nil, present)), 0)
	})
}

func testArchiveOrder(t *testing.T, s domain.Store) {
	ownerless := domain.Client{CAID: newCA(t, s).ID, Name: "vpn"}
	second, first := endedIn(t, s, 2009, ownerless), endedIn(t, s, 2008, ownerless)
	third := endedIn(t, s, 2009, ownerless)
	t.Run("the first that ended comes first, in parts", func(t *testing.T) {
		last := &domain.ArchiveKey{NotAfter: time.Date(2008, 1, 1, 0, 0, 0, 0, time.UTC)}
		for _, want := range []domain.Certificate{first, second, third} {
			keys, next, err := s.Archive().Due(t.Context(), spanOf(2009, false), *last, 1)
			check(t, err)
			wantSame(t, keys, []domain.ArchiveKey{keyOf(want)})
			wantSame(t, *next, keyOf(want))
			last = next
		}
	})
}

func testArchiveReferences(t *testing.T, s domain.Store) {
	ctx := t.Context()
	authority, other := newCA(t, s), newCA(t, s)
	server := endedIn(t, s, 2010, domain.Client{CAID: authority.ID, Name: "vpn"})
	responder := endedIn(t, s, 2010, domain.Client{CAID: other.ID, Name: "ocsp"}, func(c *domain.Certificate) {
		c.Kind = domain.CertificateOfResponder
	})
	wantSame(t, len(move(t, s, spanOf(2010, false), nil, server, responder)), 2)
	t.Run("a CA with archived certificates stays", func(t *testing.T) {
		wantFault(t, s.CAs().Delete(ctx, authority.ID), domain.Rule, "id", domain.ReasonCAInUse)
	})
	t.Run("those of its OCSP responders go with it", func(t *testing.T) { check(t, s.CAs().Delete(ctx, other.ID)) })
}
