package servicetest

import (
	"context"
	"net/netip"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Unauthenticated is the fault of a credential that is not good.
var Unauthenticated = Fault{domain.Unauthenticated, "authorization", domain.ReasonCredential}

// Authenticate says whose any token is.
func (w *World) Authenticate(t testing.TB, token domain.Secret) domain.Principal {
	t.Helper()
	return Must(w.Access.Authenticate(t.Context(), token, auth.Refresh, auth.Session, auth.Access))(t)
}

// Weak makes an apikey that is no superuser.
func Weak(k *domain.APIKey) { k.Superuser = false }

// From is a context of a request from an address.
func From(ctx context.Context, address string) context.Context {
	origin := domain.Origin{Operation: "test", RequestID: "request-1"}
	if address != "" {
		origin.Address = netip.MustParseAddr(address)
	}
	return domain.WithOrigin(ctx, origin)
}

// RequestOf is the context of a request of one who was authenticated with a token a moment ago.
func (w *World) RequestOf(t testing.TB, token domain.Secret, needs domain.Scope) context.Context {
	t.Helper()
	caller := w.Authenticate(t, token)
	caller.Needs = domain.Permission{Scope: needs, Write: true}
	return domain.WithPrincipal(t.Context(), caller)
}

// Second leaves out a value.
func Second[T any](_ T, err error) error { return err }

// WantFault checks of which kind an error is.
func WantFault(t testing.TB, err error, kind domain.Kind) {
	t.Helper()
	if !domain.IsKind(err, kind) {
		t.Errorf("got %v, want a fault of kind %d", err, kind)
	}
}

// AsUser is the context of a user who has signed in.
func AsUser(t testing.TB, u domain.User) context.Context {
	return domain.WithPrincipal(t.Context(), u.Holder().Principal())
}

// Read is the right to read.
func Read(scope domain.Scope) domain.Permission { return domain.Permission{Scope: scope, Read: true} }

// Write is the right to change.
func Write(scope domain.Scope) domain.Permission { return domain.Permission{Scope: scope, Write: true} }

// NewRole makes a role with these rights.
func (w *World) NewRole(t testing.TB, rights ...domain.Permission) domain.Role {
	t.Helper()
	return Must(w.Roles.Create(Operator(t), domain.Role{Name: Fresh("role"), Scopes: rights}))(t)
}

// Kids are the signing keys that there are, the oldest first.
func (w *World) Kids(t testing.TB) []string {
	t.Helper()
	var ids []string
	for _, key := range Must(w.Store.SigningKeys().List(t.Context()))(t) {
		ids = append(ids, key.ID)
	}
	return ids
}

// Exec runs raw SQL, as somebody does who has got hold of the database.
func (w *World) Exec(t testing.TB, query string, args ...any) {
	t.Helper()
	Must(Must(w.Store.SQL())(t).ExecContext(t.Context(), query, args...))(t)
}

// WantOut checks that a token opens nothing.
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
