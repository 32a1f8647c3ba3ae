package storetest

import (
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// certificateRules is the contract of domain.Certificates.
var certificateRules = rules{
	{storedForm, testCertificateForm},
	{missing, testCertificateMissing},
	{unique, testCertificateUnique},
	{references, testCertificateReferences},
	{order, testCertificateOrder},
	{updates, testCertificateUpdates},
	{"Standing", testStanding},
	{"Superseded", testSuperseded},
	{"ClientsOf", testClientsOf},
}

func testCertificateForm(t *testing.T, s domain.Store) {
	ctx := t.Context()
	authority := newCA(t, s)
	t.Run("a created certificate is read back whole", func(t *testing.T) {
		want := sampleCertificate(newClient(t, s, authority.ID), "0a1b")
		check(t, s.Certificates().Create(ctx, &want))
		wantSame(t, must(s.Certificates().OfClient(ctx, want.ClientID))(t), want)
		wantSame(t, must(s.Certificates().Get(ctx, want.ID))(t), want)
		wantSame(t, must(s.Certificates().OfSerial(ctx, authority.ID, "0a1b"))(t), want)
	})
	t.Run("one that is superseded, suspended and of no client is read back whole", func(t *testing.T) {
		want := sampleCertificate(domain.Client{CAID: authority.ID, Name: "servidor Ação"}, "0a1c")
		want.Kind, want.SealedKey, want.KeyKept, want.KeyProtected = domain.CertificateOfServer, nil, false, false
		want.SupersededAt, want.RevokedAt, want.Reason = noon.Add(time.Hour), noon, domain.CertificateHold
		want.KeyAlgorithm = ""
		check(t, s.Certificates().Create(ctx, &want))
		wantSame(t, must(s.Certificates().Get(ctx, want.ID))(t), want)
	})
}

func testCertificateMissing(t *testing.T, s domain.Store) {
	ctx := t.Context()
	authority := newCA(t, s)
	t.Run("a client without one has none", func(t *testing.T) {
		for _, id := range []int64{0, absent, newClient(t, s, authority.ID).ID} {
			_, err := s.Certificates().OfClient(ctx, id)
			wantMissing(t, err)
		}
	})
	t.Run("an id that does not exist is missing", func(t *testing.T) {
		for _, id := range []int64{0, -1, absent} {
			_, err := s.Certificates().Get(ctx, id)
			wantMissing(t, err)
			wantMissing(t, s.Certificates().Revoke(ctx, id, noon, domain.Superseded))
			wantMissing(t, s.Certificates().Supersede(ctx, id, noon))
		}
	})
	t.Run("a serial is looked for in its CA and as it is written", func(t *testing.T) {
		newCertificate(t, s, newClient(t, s, authority.ID), func(c *domain.Certificate) { c.Serial = "0f" })
		for _, miss := range []struct {
			caID   int64
			serial string
		}{{newCA(t, s).ID, "0f"}, {authority.ID, "0F"}, {authority.ID, "f"}, {authority.ID, ""}} {
			_, err := s.Certificates().OfSerial(ctx, miss.caID, miss.serial)
			wantMissing(t, err)
		}
	})
}

func testCertificateUnique(t *testing.T, s domain.Store) {
	ctx := t.Context()
	authority := newCA(t, s)
	t.Run("a CA gives a serial once", func(t *testing.T) {
		first, second := sampleCertificate(newClient(t, s, authority.ID), "0c"),
			sampleCertificate(newClient(t, s, authority.ID), "0c")
		check(t, s.Certificates().Create(ctx, &first))
		wantFault(t, s.Certificates().Create(ctx, &second), domain.Duplicated, "cert", domain.ReasonDuplicated)
		other := sampleCertificate(newClient(t, s, newCA(t, s).ID), "0c")
		check(t, s.Certificates().Create(ctx, &other))
	})
}

func testCertificateReferences(t *testing.T, s domain.Store) {
	ctx := t.Context()
	authority := newCA(t, s)
	t.Run("a CA that does not exist is not found", func(t *testing.T) {
		orphan := sampleCertificate(newClient(t, s, authority.ID), "0d")
		orphan.CAID = absent
		wantFault(t, s.Certificates().Create(ctx, &orphan), domain.NotFound, "ca_id", domain.ReasonNotFound)
	})
	t.Run("a client that does not exist is refused", func(t *testing.T) {
		orphan := sampleCertificate(domain.Client{ID: absent, CAID: authority.ID}, "0e")
		if err := s.Certificates().Create(ctx, &orphan); !domain.IsKind(err, domain.NotFound) {
			t.Errorf("error is %v", err)
		}
	})
}

func testCertificateOrder(t *testing.T, s domain.Store) {
	ctx := t.Context()
	authority := newCA(t, s)
	t.Run("of several the last is the client's", func(t *testing.T) {
		client := newClient(t, s, authority.ID)
		old, renewed := sampleCertificate(client, "0b01"), sampleCertificate(client, "0b00")
		check(t, s.Certificates().Create(ctx, &old))
		check(t, s.Certificates().Create(ctx, &renewed))
		wantSame(t, must(s.Certificates().OfClient(ctx, client.ID))(t), renewed)
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

func sampleCertificate(client domain.Client, serial string) domain.Certificate {
	return domain.Certificate{
		CAID: client.CAID, ClientID: client.ID, Kind: domain.CertificateOfClient, Name: client.Name, Serial: serial,
		Fingerprint: fresh("fingerprint"), KeyAlgorithm: "ed25519", NotBefore: noon.Add(-time.Minute),
		NotAfter: noon.AddDate(1, 0, 0), DER: []byte("der of " + serial), SealedKey: []byte{0, 1, 0xff}, KeyKept: true,
		KeyProtected: true, CreatedAt: noon,
	}
}
