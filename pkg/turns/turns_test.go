package turns_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/bounded"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/turns"
)

// caller is a context of an apikey.
func caller(t testing.TB, id int64) context.Context {
	t.Helper()
	return domain.WithPrincipal(t.Context(), domain.Principal{Kind: domain.PrincipalAPIKey, ID: id})
}

func TestTurns_Full(t *testing.T) {
	t.Parallel()
	one := turns.New(bounded.TurnBounds{}, 7*time.Second)
	err := one.Do(caller(t, 1), func() error { t.Error("it ran"); return nil })
	if !errors.Is(err, domain.ErrOverloaded) || domain.RetryAfter(err) != 7*time.Second {
		t.Errorf("error is %v", err)
	}
}

func TestTurns_Names(t *testing.T) {
	t.Parallel()
	stranger := func(address string) context.Context {
		return domain.WithOrigin(t.Context(), domain.Origin{Address: netip.MustParseAddr(address)})
	}
	user := domain.WithPrincipal(t.Context(), domain.Principal{Kind: domain.PrincipalUser, ID: 1})
	for sentence, test := range map[string]struct {
		one, other context.Context
		same       bool
	}{
		"an apikey and a user of one id": {caller(t, 1), user, false},
		"the same apikey":                {caller(t, 1), caller(t, 1), true},
		"two addresses":                  {stranger("192.0.2.1"), stranger("192.0.2.2"), false},
		"one customer's addresses":       {stranger("2001:db8::1"), stranger("2001:db8::ffff:1"), true},
		"two customers' addresses":       {stranger("2001:db8:0:1::1"), stranger("2001:db8:0:2::1"), false},
		"a user from a stranger's address": {
			domain.WithOrigin(user, domain.OriginOf(stranger("192.0.2.1"))), stranger("192.0.2.1"), false,
		},
		"an IPv4 address in two writings": {stranger("192.0.2.1"), stranger("::ffff:192.0.2.1"), true},
	} {
		if (turns.CallerName(test.one) == turns.CallerName(test.other)) != test.same {
			t.Errorf("%s: %s and %s", sentence, turns.CallerName(test.one), turns.CallerName(test.other))
		}
	}
}
