//go:build pkcs11 && cgo

package app_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/kms"
	"github.com/chaveiro/chaveiro/pkg/kms/token"
)

// rateWorkers is how many ask at once, and rateTime for how long.
const (
	rateWorkers = 4
	rateTime    = 3 * time.Second
)

// perSecond counts how often do can be called in a second, by some at once.
func perSecond(t *testing.T, do func() error) float64 {
	t.Helper()
	var done atomic.Int64
	var group sync.WaitGroup
	begun := time.Now()
	for range rateWorkers {
		group.Go(func() {
			for time.Since(begun) < rateTime {
				if err := do(); err != nil {
					t.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	group.Wait()
	return float64(done.Load()) / time.Since(begun).Seconds()
}

// TestHardware_Rate logs how many certificates a server issues by a key in a token, and how many
// signatures the token makes. It is no bound: other work on the machine changes both.
func TestHardware_Rate(t *testing.T) {
	o, hsm := onToken(t, onSQLite(t))
	t.Setenv("SOFTHSM2_CONF", hsm.Conf)
	c := login(t, apptest.Start(t, o))
	stored := createStored(t, c, cas, object{"name": "stored", "email": "ca@example.com", "key_store": "hsm"})
	sealed := createCA(t, c, "sealed")
	issue := func(caID int64) func() error {
		return func() error {
			in := object{"ca_id": caID, "name": "site-" + rand.Text()[:20], "email": "x@example.com"}
			return c.Do(context.Background(), http.MethodPost, clients, in, nil)
		}
	}
	stores := must(kms.Open([]string{"hsm=" + hsm.Address()}, map[string]kms.Opener{"pkcs11": token.Open}, kms.Bounds{}))
	defer stores.Close()
	key := must(stores.Find(t.Context(), *stored.KeyURI))
	signatures := perSecond(t, func() error {
		_, err := key.Sign(nil, make([]byte, 32), crypto.SHA256)
		return err
	})
	byToken, byDatabase := perSecond(t, issue(stored.ID)), perSecond(t, issue(sealed.ID))
	t.Logf("token: %.0f signatures/s; issued by it %.0f/s (%.2f of that); issued by a sealed key %.0f/s",
		signatures, byToken, byToken/signatures, byDatabase)
}
