package pki_test

import (
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

func TestClients_Create_Algorithms(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	w := NewWorld(t)
	leaves := []ca.KeyAlgorithm{ca.ECDSAP256, ca.Ed25519, ca.RSA2048}
	for _, algorithm := range []ca.KeyAlgorithm{
		ca.ECDSAP256, ca.ECDSAP384, ca.Ed25519, ca.RSA2048, ca.RSA3072, ca.RSA4096,
	} {
		t.Run("a CA with "+string(algorithm), func(t *testing.T) {
			t.Parallel()
			authority := Must(w.CAs.Create(t.Context(), domain.CASpec{
				Name: Fresh("ca"), Subject: domain.Subject{Email: "ca@example.com"}, KeyAlgorithm: string(algorithm),
			}))(t)
			WantSame(t, authority.KeyAlgorithm, string(algorithm))
			for _, leaf := range leaves {
				asked := Spec(authority.ID)
				asked.KeyAlgorithm = string(leaf)
				wantIssued(t, w, asked, Must(w.Clients.Create(t.Context(), asked))(t), leaf)
			}
			if len(w.Current(t, authority.ID).RevokedCertificateEntries) != 0 {
				t.Error("something is revoked")
			}
		})
	}
}

// wantIssued checks what was stored of a client against the request, and verifies the certificate
// as a TLS server does.
func wantIssued(t *testing.T, w *World, asked domain.ClientSpec, got domain.Client, algorithm ca.KeyAlgorithm) {
	t.Helper()
	chain := Must(w.Clients.Certificate(t.Context(), got.ID))(t)
	block, rest := pem.Decode(chain)
	leaf := Must(x509.ParseCertificate(block.Bytes))(t)
	block, rest = pem.Decode(rest)
	root := Must(x509.ParseCertificate(block.Bytes))(t)
	if len(rest) > 0 {
		t.Errorf("text after the chain: %q", rest)
	}
	roots := x509.NewCertPool()
	roots.AddCert(root)
	_, err := leaf.Verify(
		x509.VerifyOptions{
			Roots: roots, CurrentTime: w.Clock.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		},
	)
	Check(t, err)
	key := Must(ca.ParsePrivateKey(Must(w.Clients.Key(t.Context(), got.ID))(t), string(asked.Password)))(t)
	Check(t, ca.CheckPair(leaf, key))
	WantSame(t, Must(ca.AlgorithmOf(leaf.PublicKey))(t), algorithm)
	WantSame(t, leaf.Subject.CommonName, asked.Name)
	WantSame(t, leaf.NotBefore, w.Clock.Now().Add(-time.Minute))
	WantSame(t, got, domain.Client{
		ID: got.ID, CAID: asked.CAID, Name: asked.Name, Description: asked.Description, Subject: asked.Subject,
		Serial: ca.FormatSerial(leaf.SerialNumber), Fingerprint: Digest(leaf.Raw), KeyAlgorithm: string(algorithm),
		KeyProtected: asked.Password != "", NotBefore: leaf.NotBefore, ExpiresAt: leaf.NotAfter,
		CreatedAt: w.Clock.Now(), UpdatedAt: w.Clock.Now(),
	})
	WantSame(t, Must(w.Clients.Get(t.Context(), got.ID))(t), got)
}

func TestClients_Create_Expiration(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	ctx := t.Context()
	authority := func(days int) domain.CA {
		return Must(
			w.CAs.Create(
				ctx, domain.CASpec{
					Name: Fresh("ca"), Subject: domain.Subject{Email: "ca@example.com"}, Expiration: &days,
				},
			),
		)(t)
	}
	long, short := w.NewCA(t), authority(100)
	for _, test := range []struct {
		sentence string
		ca       domain.CA
		days     *int
		want     time.Time
	}{
		{"the default", long, nil, Noon.Add(3650 * Day)},
		{"the default ends with the CA", short, nil, Noon.Add(100 * Day)},
		{"the shortest", short, new(1), Noon.Add(Day)},
		{"until the CA ends", short, new(100), Noon.Add(100 * Day)},
		{"the longest", long, new(7300), Noon.Add(7300 * Day)},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			asked := Spec(test.ca.ID)
			asked.Expiration = test.days
			got := Must(w.Clients.Create(ctx, asked))(t)
			WantSame(t, got.ExpiresAt, test.want)
			wantIssued(t, w, asked, got, ca.ECDSAP256)
		})
	}
	t.Run("an end after that of the CA is refused, with the latest possible time", func(t *testing.T) {
		asked := Spec(short.ID)
		asked.Expiration = new(101)
		_, err := w.Clients.Create(ctx, asked)
		WantFaults(t, err, NewFault(domain.Rule, "expiration", domain.ReasonBeyondCA))
		WantSame(t, domain.Faults(err)[0].Args, []any{Noon.Add(100 * Day)})
		WantSame(t, Must(w.Store.Clients().NameTaken(ctx, asked.Name, w.Clock.Now()))(t), false)
	})
}

func TestClients_Create_ExpiredCA(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	days := 2
	authority := Must(
		w.CAs.Create(
			t.Context(), domain.CASpec{Name: "ca", Subject: domain.Subject{Email: "ca@example.com"}, Expiration: &days},
		),
	)(t)
	client := w.NewClient(t, authority.ID)
	w.Clock.Pass(2*Day - time.Microsecond)
	w.NewClient(t, authority.ID)
	w.Clock.Pass(time.Microsecond)
	for _, expiration := range []*int{nil, new(1)} {
		asked := Spec(authority.ID)
		asked.Expiration = expiration
		_, err := w.Clients.Create(t.Context(), asked)
		WantFaults(t, err, NewFault(domain.Rule, "ca_id", domain.ReasonCAExpired))
	}
	w.Revoke(t, client.ID) // and its lists continue
	WantSame(t, Serials(w.Current(t, authority.ID)), []string{w.Serial(t, client.ID)})
}

func TestClients_Create_Faults(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			testCreateFaults(t, WorldOn(t, open(t), slog.DiscardHandler))
		})
	}
}

func testCreateFaults(t *testing.T, w *World) {
	ctx := t.Context()
	authority := w.NewCA(t)
	taken := w.NewClient(t, authority.ID)
	for _, test := range []struct {
		sentence string
		alter    func(*domain.ClientSpec)
		want     []Fault
	}{
		{"all faults are told at once", func(s *domain.ClientSpec) {
			*s = domain.ClientSpec{Expiration: new(0), KeyAlgorithm: "dsa", Subject: domain.Subject{Country: "BRA"}}
		}, []Fault{
			NewFault(domain.Required, "name", domain.ReasonRequired),
			NewFault(domain.Required, "email", domain.ReasonRequired),
			NewFault(domain.Invalid, "country", domain.ReasonCountry),
			NewFault(domain.Invalid, "expiration", domain.ReasonTooSmall),
			NewFault(domain.Invalid, "key_algorithm", domain.ReasonChoice),
			NewFault(domain.NotFound, "ca_id", domain.ReasonNotFound),
		}},
		{
			"a name taken in other case", func(s *domain.ClientSpec) { s.Name = "CLIENT" + taken.Name[len("client"):] },
			[]Fault{NewFault(domain.Duplicated, "name", domain.ReasonDuplicated)},
		},
		{
			"a CA that does not exist", func(s *domain.ClientSpec) { s.CAID = 1 << 40 },
			[]Fault{NewFault(domain.NotFound, "ca_id", domain.ReasonNotFound)},
		},
		{
			"a NUL in the name", func(s *domain.ClientSpec) { s.Name = "a\x00b" },
			[]Fault{NewFault(domain.Invalid, "name", domain.ReasonCharset)},
		},
		{
			"a NUL in the description", func(s *domain.ClientSpec) { s.Description = "a\x00b" },
			[]Fault{NewFault(domain.Invalid, "description", domain.ReasonControl)},
		},
		{
			"broken UTF-8 in the city", func(s *domain.ClientSpec) { s.Subject.City = "S\xe3o" },
			[]Fault{NewFault(domain.Invalid, "city", domain.ReasonControl)},
		},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			asked := Spec(authority.ID)
			test.alter(&asked)
			_, err := w.Clients.Create(ctx, asked)
			WantFaults(t, err, test.want...)
		})
	}
	t.Run("a CA with a NUL in its name", func(t *testing.T) {
		_, err := w.CAs.Create(ctx, domain.CASpec{Name: "a\x00b", Subject: domain.Subject{Email: "ca@example.com"}})
		WantFaults(t, err, NewFault(domain.Invalid, "name", domain.ReasonControl))
	})
	t.Run("a CA that another replica deleted issues nothing", func(t *testing.T) {
		gone := w.NewCA(t)
		Must(w.CAs.Authorities.Get(ctx, gone.ID))(t)
		Check(t, w.Replica(t).CAs.Delete(ctx, gone.ID))
		asked := Spec(gone.ID)
		_, err := w.Clients.Create(ctx, asked)
		WantFaults(t, err, NewFault(domain.NotFound, "ca_id", domain.ReasonNotFound))
		WantSame(t, Must(w.Store.Clients().NameTaken(ctx, asked.Name, w.Clock.Now()))(t), false)
	})
	t.Run("a CA with clients is not deleted", func(t *testing.T) {
		WantFaults(t, w.CAs.Delete(ctx, authority.ID), NewFault(domain.Rule, "id", domain.ReasonCAInUse))
	})
}
