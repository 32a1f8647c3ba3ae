package service_test

import (
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

func TestClients_Create_Algorithms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	leaves := []ca.KeyAlgorithm{ca.ECDSAP256, ca.Ed25519, ca.RSA2048}
	for _, algorithm := range []ca.KeyAlgorithm{ca.ECDSAP256, ca.ECDSAP384, ca.Ed25519, ca.RSA2048, ca.RSA3072, ca.RSA4096} {
		t.Run("a CA with "+string(algorithm), func(t *testing.T) {
			t.Parallel()
			authority := must(w.CAs.Create(t.Context(), domain.CASpec{
				Name: fresh("ca"), Subject: domain.Subject{Email: "ca@example.com"}, KeyAlgorithm: string(algorithm),
			}))(t)
			wantSame(t, authority.KeyAlgorithm, string(algorithm))
			for _, leaf := range leaves {
				asked := spec(authority.ID)
				asked.KeyAlgorithm = string(leaf)
				wantIssued(t, w, asked, must(w.Clients.Create(t.Context(), asked))(t), leaf)
			}
			if len(w.current(t, authority.ID).RevokedCertificateEntries) != 0 {
				t.Error("something is revoked")
			}
		})
	}
}

// wantIssued checks what was stored of a client against what was asked, with the eyes of a TLS server.
func wantIssued(t *testing.T, w *world, asked domain.ClientSpec, got domain.Client, algorithm ca.KeyAlgorithm) {
	t.Helper()
	chain := must(w.Clients.Certificate(t.Context(), got.ID))(t)
	block, rest := pem.Decode(chain)
	leaf := must(x509.ParseCertificate(block.Bytes))(t)
	block, rest = pem.Decode(rest)
	root := must(x509.ParseCertificate(block.Bytes))(t)
	if len(rest) > 0 {
		t.Errorf("text after the chain: %q", rest)
	}
	roots := x509.NewCertPool()
	roots.AddCert(root)
	_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: w.clock.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	check(t, err)
	key := must(ca.ParsePrivateKey(must(w.Clients.Key(t.Context(), got.ID))(t), string(asked.Password)))(t)
	check(t, ca.CheckPair(leaf, key))
	wantSame(t, must(ca.AlgorithmOf(leaf.PublicKey))(t), algorithm)
	wantSame(t, leaf.Subject.CommonName, asked.Name)
	wantSame(t, leaf.NotBefore, w.clock.Now().Add(-time.Minute))
	wantSame(t, got, domain.Client{
		ID: got.ID, CAID: asked.CAID, Name: asked.Name, Description: asked.Description, Subject: asked.Subject,
		ExpiresAt: leaf.NotAfter, CreatedAt: w.clock.Now(), UpdatedAt: w.clock.Now(),
	})
	wantSame(t, must(w.Clients.Get(t.Context(), got.ID))(t), got)
}

func TestClients_Create_Expiration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	authority := func(days int) domain.CA {
		return must(w.CAs.Create(ctx, domain.CASpec{Name: fresh("ca"), Subject: domain.Subject{Email: "ca@example.com"}, Expiration: &days}))(t)
	}
	long, short := w.newCA(t), authority(100)
	for _, test := range []struct {
		sentence string
		ca       domain.CA
		days     *int
		want     time.Time
	}{
		{"the default", long, nil, noon.Add(3650 * day)},
		{"the default ends with the CA", short, nil, noon.Add(100 * day)},
		{"the shortest", short, new(1), noon.Add(day)},
		{"until the CA ends", short, new(100), noon.Add(100 * day)},
		{"the longest", long, new(7300), noon.Add(7300 * day)},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			asked := spec(test.ca.ID)
			asked.Expiration = test.days
			got := must(w.Clients.Create(ctx, asked))(t)
			wantSame(t, got.ExpiresAt, test.want)
			wantIssued(t, w, asked, got, ca.ECDSAP256)
		})
	}
	t.Run("beyond the CA is refused, with the time until when it could be", func(t *testing.T) {
		asked := spec(short.ID)
		asked.Expiration = new(101)
		_, err := w.Clients.Create(ctx, asked)
		wantFaults(t, err, fault{domain.Rule, "expiration", domain.ReasonBeyondCA})
		wantSame(t, domain.Faults(err)[0].Args, []any{noon.Add(100 * day)})
		wantSame(t, must(w.store.Clients().NameTaken(ctx, asked.Name))(t), false)
	})
}

func TestClients_Create_ExpiredCA(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	days := 2
	authority := must(w.CAs.Create(t.Context(), domain.CASpec{Name: "ca", Subject: domain.Subject{Email: "ca@example.com"}, Expiration: &days}))(t)
	client := w.newClient(t, authority.ID)
	w.clock.pass(2*day - time.Microsecond)
	w.newClient(t, authority.ID)
	w.clock.pass(time.Microsecond)
	for _, expiration := range []*int{nil, new(1)} {
		asked := spec(authority.ID)
		asked.Expiration = expiration
		_, err := w.Clients.Create(t.Context(), asked)
		wantFaults(t, err, fault{domain.Rule, "ca_id", domain.ReasonCAExpired})
	}
	w.revoke(t, client.ID) // and its lists go on
	wantSame(t, serials(w.current(t, authority.ID)), []string{w.serial(t, client.ID)})
}

func TestClients_Create_Faults(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			testCreateFaults(t, worldOn(t, open(t), slog.DiscardHandler))
		})
	}
}

func testCreateFaults(t *testing.T, w *world) {
	ctx := t.Context()
	authority := w.newCA(t)
	taken := w.newClient(t, authority.ID)
	for _, test := range []struct {
		sentence string
		alter    func(*domain.ClientSpec)
		want     []fault
	}{
		{"all faults are told at once", func(s *domain.ClientSpec) {
			*s = domain.ClientSpec{Expiration: new(0), KeyAlgorithm: "dsa", Subject: domain.Subject{Country: "BRA"}}
		}, []fault{
			{domain.Required, "name", domain.ReasonRequired}, {domain.Required, "email", domain.ReasonRequired},
			{domain.Invalid, "country", domain.ReasonCountry}, {domain.Invalid, "expiration", domain.ReasonTooSmall},
			{domain.Invalid, "key_algorithm", domain.ReasonChoice}, {domain.NotFound, "ca_id", domain.ReasonNotFound},
		}},
		{"a name taken in other case", func(s *domain.ClientSpec) { s.Name = "CLIENT" + taken.Name[len("client"):] }, []fault{{domain.Duplicated, "name", domain.ReasonDuplicated}}},
		{"a CA that does not exist", func(s *domain.ClientSpec) { s.CAID = 1 << 40 }, []fault{{domain.NotFound, "ca_id", domain.ReasonNotFound}}},
		{"a NUL in the name", func(s *domain.ClientSpec) { s.Name = "a\x00b" }, []fault{{domain.Invalid, "name", domain.ReasonCharset}}},
		{"a NUL in the description", func(s *domain.ClientSpec) { s.Description = "a\x00b" }, []fault{{domain.Invalid, "description", domain.ReasonControl}}},
		{"broken UTF-8 in the city", func(s *domain.ClientSpec) { s.Subject.City = "S\xe3o" }, []fault{{domain.Invalid, "city", domain.ReasonControl}}},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			asked := spec(authority.ID)
			test.alter(&asked)
			_, err := w.Clients.Create(ctx, asked)
			wantFaults(t, err, test.want...)
		})
	}
	t.Run("a CA with a NUL in its name", func(t *testing.T) {
		_, err := w.CAs.Create(ctx, domain.CASpec{Name: "a\x00b", Subject: domain.Subject{Email: "ca@example.com"}})
		wantFaults(t, err, fault{domain.Invalid, "name", domain.ReasonControl})
	})
	t.Run("a CA that another replica deleted issues nothing", func(t *testing.T) {
		gone := w.newCA(t)
		must(w.CAs.Authorities.Get(ctx, gone.ID))(t)
		check(t, w.replica(t).CAs.Delete(ctx, gone.ID))
		asked := spec(gone.ID)
		_, err := w.Clients.Create(ctx, asked)
		wantFaults(t, err, fault{domain.NotFound, "ca_id", domain.ReasonNotFound})
		wantSame(t, must(w.store.Clients().NameTaken(ctx, asked.Name))(t), false)
	})
	t.Run("a CA with clients is not deleted", func(t *testing.T) {
		wantFaults(t, w.CAs.Delete(ctx, authority.ID), fault{domain.Rule, "id", domain.ReasonCAInUse})
	})
}
