package servicetest

import (
	"context"
	"net/netip"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Unauthenticated is the fault of a wrong credential.
var Unauthenticated = NewFault(domain.Unauthenticated, "authorization", domain.ReasonCredential)

// Authenticate returns the principal of a token of any kind.
func (w *World) Authenticate(t testing.TB, token domain.Secret) domain.Principal {
	t.Helper()
	return Must(w.Access.Authenticate(t.Context(), token, auth.Refresh, auth.Session, auth.Access))(t)
}

// Weak makes an apikey one that is no superuser.
func Weak(k *domain.APIKey) { k.Superuser = false }

// From returns a context of a request from an address.
func From(ctx context.Context, address string) context.Context {
	origin := domain.Origin{Operation: "test", RequestID: "request-1"}
	if address != "" {
		origin.Address = netip.MustParseAddr(address)
	}
	return domain.WithOrigin(ctx, origin)
}

// RequestOf returns the context of a request whose caller was just authenticated with a token.
func (w *World) RequestOf(t testing.TB, token domain.Secret, needs domain.Scope) context.Context {
	t.Helper()
	caller := w.Authenticate(t, token)
	caller.Needs = domain.Permission{Scope: needs, Write: true}
	return domain.WithPrincipal(t.Context(), caller)
}

// Second drops the first value and returns the error.
func Second[T any](_ T, err error) error { return err }

// WantFault checks the kind of an error.
func WantFault(t testing.TB, err error, kind domain.Kind) {
	t.Helper()
	if !domain.IsKind(err, kind) {
		t.Errorf("got %v, want a fault of kind %d", err, kind)
	}
}

// AsUser returns the context of a user who has signed in.
func AsUser(t testing.TB, u domain.User) context.Context {
	return domain.WithPrincipal(t.Context(), u.Holder().Principal())
}

// Read returns the right to read.
func Read(scope domain.Scope) domain.Permission { return domain.Permission{Scope: scope, Read: true} }

// Write returns the right to change.
func Write(scope domain.Scope) domain.Permission { return domain.Permission{Scope: scope, Write: true} }

// NewRole makes a role with these rights.
func (w *World) NewRole(t testing.TB, rights ...domain.Permission) domain.Role {
	t.Helper()
	return Must(w.Roles.Create(Operator(t), domain.Role{Name: Fresh("role"), Scopes: rights}))(t)
}

// Kids returns the ids of the signing keys, the oldest first.
func (w *World) Kids(t testing.TB) []string {
	t.Helper()
	var ids []string
	for _, key := range Must(w.Store.SigningKeys().List(t.Context()))(t) {
		ids = append(ids, key.ID)
	}
	return ids
}

// Exec runs raw SQL, as an attacker with access to the database could.
func (w *World) Exec(t testing.TB, query string, args ...any) {
	t.Helper()
	Must(Must(w.Store.SQL())(t).ExecContext(t.Context(), query, args...))(t)
}

// WantOut checks that a token is refused everywhere.
func WantOut(t testing.TB, w *World, token domain.Secret) {
	t.Helper()
	principal, err := w.Access.Authenticate(t.Context(), token, auth.Refresh, auth.Session, auth.Access)
	WantFaults(t, err, Unauthenticated)
	WantSame(t, principal, domain.Principal{})
	granted, err := w.Access.Exchange(t.Context(), token)
	WantFaults(t, err, Unauthenticated)
	WantSame(t, granted, access.Token{})
	principal, granted, err = w.Access.Resume(t.Context(), token)
	WantFaults(t, err, Unauthenticated)
	WantSame(t, principal, domain.Principal{})
	WantSame(t, granted, access.Token{})
}
