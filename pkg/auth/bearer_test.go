package auth_test

import (
	"testing"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

func TestBearerToken(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]struct {
		token domain.Secret
		ok    bool
	}{
		"Bearer a.b.c": {"a.b.c", true}, "bearer  a.b.c ": {"a.b.c", true}, "BEARER a b": {"a b", true},
		"Bearer ": {"", true},
		"Bearer":  {"", false}, "Basic YTpi": {"YTpi", false}, "": {"", false}, "Bearera.b.c": {"", false},
		" Bearer a": {"Bearer a", false},
	} {
		if token, ok := auth.BearerToken(header); token != want.token || ok != want.ok {
			t.Errorf("%q: %q, %t", header, string(token), ok)
		}
	}
}
