package domain

import "context"

// Principal is who makes a request, as authentication found it.
type Principal struct {
	Kind      PrincipalKind
	ID        int64
	Name      string
	Superuser bool
}

// PrincipalKind is the kind of a Principal.
type PrincipalKind string

// PrincipalAPIKey is an integration key.
const PrincipalAPIKey PrincipalKind = "apikey"

type principalKey struct{}

// WithPrincipal returns a context that carries who makes the request.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalOf returns who makes the request; the zero Principal is nobody, or the service itself.
func PrincipalOf(ctx context.Context) Principal {
	p, _ := ctx.Value(principalKey{}).(Principal)
	return p
}
