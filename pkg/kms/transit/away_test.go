package transit_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/kms"
	"github.com/chaveiro/chaveiro/pkg/kms/kmstest"
)

// TestTransit_Gone: a server that can't be reached is away, and back by itself.
func TestTransit_Gone(t *testing.T) {
	t.Parallel()
	stub := kmstest.NewTransitStub(t)
	key, err := openStores(t, stub.TransitServer).Create(t.Context(), "bao", "ecdsa-p256", "ca")
	if err != nil {
		t.Fatal(err)
	}
	stub.Leave(t)
	for range 20 {
		if err := sign(key); !errors.Is(err, kms.ErrAway) {
			t.Errorf("gone: %v", err)
		}
	}
	stub.Return(t)
	awaitBack(t, key)
}

// TestTransit_AskedOnce: a server that is sealed is asked once for what needs a key. What asks
// whether it is back asks for its own token.
func TestTransit_AskedOnce(t *testing.T) {
	t.Parallel()
	stub := kmstest.NewTransitStub(t)
	key, err := openStores(t, stub.TransitServer).Create(t.Context(), "bao", "ecdsa-p256", "ca")
	if err != nil {
		t.Fatal(err)
	}
	stub.Seal(t)
	for range 20 {
		if err := sign(key); !errors.Is(err, kms.ErrAway) {
			t.Errorf("sealed: %v", err)
		}
	}
	asked := 0
	for _, request := range stub.Requests() {
		if strings.Contains(request, " transit/") && strings.HasSuffix(request, " 503") {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("%d requests for a key: %q", asked, stub.Requests())
	}
}
