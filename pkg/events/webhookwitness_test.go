package events_test

import (
	"net/http"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestWebhooks_Witness: the library of Standard Webhooks verifies what is sent, and refuses what
// was altered.
func TestWebhooks_Witness(t *testing.T) {
	t.Parallel()
	w := world(t)
	r := receive(t, nil)
	made := hook(t, w, r.URL)
	work(t, w)
	role(t, w)
	one := r.await(t, 1)[0]
	header := http.Header{}
	header.Set("webhook-id", one.id)
	header.Set("webhook-timestamp", one.timestamp)
	header.Set("webhook-signature", one.signatures)
	library := Must(standardwebhooks.NewWebhook(made.Key))(t)
	Check(t, library.VerifyIgnoringTimestamp(one.body, header))
	if err := library.VerifyIgnoringTimestamp(append(one.body, ' '), header); err == nil {
		t.Error("an altered body is accepted")
	}
}
