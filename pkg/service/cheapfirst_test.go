package service_test

import (
	"context"
	"crypto/x509"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/bounded"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/turns"
)

// idle returns a world in which costly work never begins: a request that needs it waits until its
// deadline.
func idle(t *testing.T, w *World) *World {
	t.Helper()
	nobody := turns.New(bounded.TurnBounds{Queue: 100, Total: 100}, 0)
	idle := w.With(t, func(s *service.Settings) { s.RSA = nobody })
	idle.Clients.Derivations, idle.CAs.Derivations, idle.Users.Passwords.Turns, idle.Login.Passwords.Turns = nobody,
		nobody, nobody, nobody
	return idle
}

// soon returns the context of an operator's request with a short deadline.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(Operator(t), 5*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// wantWaiting checks that a valid request gets as far as its costly part.
func wantWaiting(t *testing.T, do func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(Operator(t), 300*time.Millisecond)
	defer cancel()
	if err := do(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it did not wait for a turn: %v", err)
	}
}

// TestCheapFirst: faults that can be found without making or opening a key are reported before
// that.
func TestCheapFirst(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	own := Must(w.CAs.Create(Operator(t), domain.CASpec{
		Name: Fresh("ca"), Subject: domain.Subject{Email: "ca@example.com"}, Expiration: new(7300),
	}))(t)
	taken := w.NewClient(t, own.ID)
	protected := Spec(own.ID)
	protected.Password = "segredo"
	withPassword := Must(w.Clients.Create(t.Context(), protected))(t)
	old := NewForeignCA(t)
	authority := old.ImportInto(t, w, nil)
	key := NewKey(t)
	costly := EncryptedPEM(t, key, "certo")
	idle := idle(t, w)
	w.Clock.Pass(Day)

	t.Run("creating a CA", func(t *testing.T) {
		good := domain.CASpec{
			Name: Fresh("ca"), KeyAlgorithm: "rsa-2048", Subject: domain.Subject{Email: "ca@example.com"},
		}
		wantWaiting(t, func(ctx context.Context) error { _, err := idle.CAs.Create(ctx, good); return err })
		good.Name = own.Name
		_, err := idle.CAs.Create(soon(t), good)
		WantFaults(t, err, NewFault(domain.Duplicated, "name", domain.ReasonDuplicated))
	})
	t.Run("creating a client", func(t *testing.T) { testCheapCreate(t, idle, own, taken) })
	t.Run("importing a client", func(t *testing.T) {
		good := domain.ClientImport{
			CAID: authority.ID, Email: "a@example.com", Certificate: old.Issue(t, key.Public()), Key: costly,
			Password: "certo",
		}
		wantWaiting(t, func(ctx context.Context) error { _, err := idle.Clients.Import(ctx, good); return err })
		plain := good
		plain.Certificate, plain.Key, plain.Password = old.Issue(t, key.Public(), taking(77)), KeyPEM(t, key), ""
		Must(w.Clients.Import(Operator(t), plain))(t)
		testCheapImport(t, idle, old, good, taken.Name)
	})
	t.Run("importing a CA", func(t *testing.T) { testCheapCAImport(t, idle, own.Name) })
	t.Run("a PKCS#12 file", func(t *testing.T) {
		wantWaiting(t, func(ctx context.Context) error {
			_, err := idle.Clients.PKCS12(ctx, withPassword.ID, "", "segredo")
			return err
		})
		_, err := idle.Clients.PKCS12(soon(t), 1<<40, "", "segredo")
		WantFaults(t, err, NewFault(domain.Missing, "id", domain.ReasonNotFound))
		_, err = idle.Clients.PKCS12(soon(t), withPassword.ID, "other", "segredo")
		WantFaults(t, err, NewFault(domain.Invalid, "password", domain.ReasonFormat))
		_, err = idle.Clients.PKCS12(soon(t), withPassword.ID, "", "\U0001F511")
		WantFaults(t, err, NewFault(domain.Invalid, "password", domain.ReasonFormat))
	})
	t.Run("users", func(t *testing.T) { testCheapUsers(t, idle) })
}

// taking gives a certificate a new name and this serial number.
func taking(serial int64) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.SerialNumber, c.Subject.CommonName = big.NewInt(serial), Fresh("site") }
}

func testCheapCreate(t *testing.T, idle *World, own domain.CA, taken domain.Client) {
	for sentence, costly := range map[string]func(*domain.ClientSpec){
		"RSA":        func(s *domain.ClientSpec) { s.KeyAlgorithm = "rsa-2048" },
		"a password": func(s *domain.ClientSpec) { s.Password = "segredo" },
	} {
		for _, test := range []struct {
			alter func(*domain.ClientSpec)
			want  Fault
		}{
			{
				func(s *domain.ClientSpec) { s.CAID = 1 << 40 },
				NewFault(domain.NotFound, "ca_id", domain.ReasonNotFound),
			},
			{
				func(s *domain.ClientSpec) { s.Name = taken.Name },
				NewFault(domain.Duplicated, "name", domain.ReasonDuplicated),
			},
			{
				func(s *domain.ClientSpec) { s.Expiration = new(7300) },
				NewFault(domain.Rule, "expiration", domain.ReasonBeyondCA),
			},
			// the subject of the CA itself
			{func(s *domain.ClientSpec) { s.Name = own.Name }, NewFault(domain.Rule, "name", domain.ReasonLikeCA)},
		} {
			asked := Spec(own.ID)
			costly(&asked)
			test.alter(&asked)
			_, err := idle.Clients.Create(soon(t), asked)
			t.Log(sentence)
			WantFaults(t, err, test.want)
		}
		asked := Spec(own.ID)
		costly(&asked)
		wantWaiting(t, func(ctx context.Context) error { _, err := idle.Clients.Create(ctx, asked); return err })
	}
}

func testCheapImport(t *testing.T, idle *World, old ForeignCA, good domain.ClientImport, taken string) {
	other := NewForeignCA(t, func(c *x509.Certificate) { c.Subject = old.Cert.Subject })
	named := func(name string) func(*domain.ClientImport) {
		return func(i *domain.ClientImport) {
			i.Certificate = old.Issue(t, NewKey(t).Public(), func(c *x509.Certificate) { c.Subject.CommonName = name })
		}
	}
	for sentence, test := range map[string]struct {
		alter func(*domain.ClientImport)
		want  Fault
	}{
		"no CA": {
			func(i *domain.ClientImport) { i.CAID = 1 << 40 },
			NewFault(domain.NotFound, "ca_id", domain.ReasonNotFound),
		},
		"another CA": {
			func(i *domain.ClientImport) { i.Certificate = other.Issue(t, NewKey(t).Public()) },
			NewFault(domain.Invalid, "cert", domain.ReasonNotSignedByCA),
		},
		"no certificate": {
			func(i *domain.ClientImport) { i.Certificate = []byte("x") },
			NewFault(domain.Invalid, "cert", domain.ReasonPEM),
		},
		"an invalid name": {named("a\x01b"), NewFault(domain.Invalid, "cert", domain.ReasonNoName)},
		"a name of another": {
			named(strings.ToUpper(taken)), NewFault(domain.Duplicated, "name", domain.ReasonDuplicated),
		},
		"a serial of another": {func(i *domain.ClientImport) {
			i.Certificate = old.Issue(
				t, NewKey(t).Public(), taking(77),
			)
		},
			NewFault(domain.Duplicated, "cert", domain.ReasonDuplicated)},
		"no password": {
			func(i *domain.ClientImport) { i.Password = "" },
			NewFault(domain.Required, "password", domain.ReasonPasswordRequired),
		},
		"no address": {
			func(i *domain.ClientImport) { i.Email = "" }, NewFault(domain.Required, "email", domain.ReasonRequired),
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			request := good
			test.alter(&request)
			_, err := idle.Clients.Import(soon(t), request)
			WantFaults(t, err, test.want)
		})
	}
}

func testCheapCAImport(t *testing.T, idle *World, taken string) {
	old := NewForeignCA(t)
	good := old.Request(t, nil)
	good.Key, good.Password = EncryptedPEM(t, old.Key, "certo"), "certo"
	wantWaiting(t, func(ctx context.Context) error { _, err := idle.CAs.Import(ctx, good); return err })
	again := NewForeignCA(t)
	again.ImportInto(t, idle, nil)
	leaf := old.Issue(t, NewKey(t).Public())
	for sentence, test := range map[string]struct {
		alter func(*domain.CAImport)
		want  Fault
	}{
		"no CA": {
			func(i *domain.CAImport) { i.Certificate = leaf }, NewFault(domain.Invalid, "cert", domain.ReasonNotCA),
		},
		"no certificate": {
			func(i *domain.CAImport) { i.Certificate = []byte("x") },
			NewFault(domain.Invalid, "cert", domain.ReasonPEM),
		},
		"a name of another": {
			func(i *domain.CAImport) { i.Name = taken }, NewFault(domain.Duplicated, "name", domain.ReasonDuplicated),
		},
		"a CA that is here": {
			func(i *domain.CAImport) { i.Certificate = CertPEM(again.Cert.Raw) },
			NewFault(domain.Duplicated, "cert", domain.ReasonDuplicated),
		},
		"no list": {
			func(i *domain.CAImport) { i.CRL = []byte("x") }, NewFault(domain.Invalid, "crl", domain.ReasonCRL),
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			request := good
			request.Name = Fresh("imported")
			test.alter(&request)
			_, err := idle.CAs.Import(soon(t), request)
			WantFaults(t, err, test.want)
		})
	}
}

func testCheapUsers(t *testing.T, idle *World) {
	user := idle.NewUser(t)
	const longEnough domain.Secret = "cavalo grampo bateria certa"
	poor := domain.WithPrincipal(
		soon(t), domain.Principal{Kind: domain.PrincipalUser, ID: user.ID, Name: user.Username},
	)
	made := domain.User{Username: Fresh("user"), Email: "a@example.com", Enabled: true}
	wantWaiting(
		t, func(ctx context.Context) error { _, err := idle.Users.Create(ctx, made, longEnough, nil); return err },
	)
	wantWaiting(t, func(ctx context.Context) error {
		_, err := idle.Users.Update(ctx, user.ID, domain.UserUpdate{Password: new(longEnough)})
		return err
	})
	_, err := idle.Users.Create(soon(t), domain.User{Username: user.Username, Email: "a@example.com"}, longEnough, nil)
	WantFaults(t, err, NewFault(domain.Duplicated, "username", domain.ReasonDuplicated))
	_, err = idle.Users.Create(soon(t), made, longEnough, []int64{1 << 40})
	WantFaults(t, err, NewFault(domain.NotFound, "roles[0]", domain.ReasonNotFound))
	_, err = idle.Users.Create(poor, domain.User{Username: Fresh("user"), Superuser: true}, longEnough, nil)
	WantFaults(t, err, NewFault(domain.Forbidden, "superuser", domain.ReasonBeyondOwn))
	_, err = idle.Users.Update(soon(t), 1<<40, domain.UserUpdate{Password: new(longEnough)})
	WantFaults(t, err, NewFault(domain.Missing, "id", domain.ReasonNotFound))
	_, err = idle.Users.Update(soon(t), user.ID, domain.UserUpdate{Password: new(longEnough), Email: new("nobody")})
	WantFaults(t, err, NewFault(domain.Invalid, "email", domain.ReasonEmail))
	boss := idle.NewUser(t, func(u *domain.User) { u.Superuser = true })
	_, err = idle.Users.Update(poor, boss.ID, domain.UserUpdate{Password: new(longEnough)})
	WantFaults(t, err, NewFault(domain.Forbidden, "authorization", domain.ReasonBeyondOwn))
	_, _, err = idle.Users.UpdateProfile(
		poor, access.ProfileUpdate{Email: new("nobody"), Current: new(Password), Password: new(longEnough)},
	)
	WantFaults(t, err, NewFault(domain.Invalid, "email", domain.ReasonEmail))
}
