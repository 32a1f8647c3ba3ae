package chaveiro

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

// The example that Standard Webhooks publishes.
const (
	exampleKey       = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	exampleID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	exampleTime      = "1614265330"
	exampleBody      = `{"test": 2432232314}`
	exampleSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

// exchange is a request, and what verifies it.
type exchange struct {
	keys                     []string
	id, at, signatures, body string
	now                      time.Time
}

func TestWebhookVerifier(t *testing.T) {
	t.Parallel()
	at := time.Unix(1614265330, 0)
	otherKey := "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
	good := exchange{[]string{exampleKey}, exampleID, exampleTime, exampleSignature, exampleBody, at}
	for name, test := range map[string]struct {
		alter func(*exchange)
		good  bool
	}{
		"the example":          {func(*exchange) {}, true},
		"without the prefix":   {func(e *exchange) { e.keys = []string{exampleKey[6:]} }, true},
		"the second key":       {func(e *exchange) { e.keys = []string{otherKey, exampleKey} }, true},
		"the second signature": {func(e *exchange) { e.signatures = "v1,AAAA v2,x v1a,y v1,% " + exampleSignature }, true},
		"within the tolerance": {func(e *exchange) { e.now = at.Add(5 * time.Minute) }, true},
		"too old":              {func(e *exchange) { e.now = at.Add(5*time.Minute + 1) }, false},
		"too new":              {func(e *exchange) { e.now = at.Add(-5*time.Minute - 1) }, false},
		"another key":          {func(e *exchange) { e.keys = []string{otherKey} }, false},
		"no key":               {func(e *exchange) { e.keys = nil }, false},
		"an unreadable key":    {func(e *exchange) { e.keys = []string{"whsec_%"} }, false},
		"another body":         {func(e *exchange) { e.body += " " }, false},
		"another id":           {func(e *exchange) { e.id += "x" }, false},
		"no id":                {func(e *exchange) { e.id = "" }, false},
		"another time":         {func(e *exchange) { e.at = "1614265331" }, false},
		"no time":              {func(e *exchange) { e.at = "" }, false},
		"no signature":         {func(e *exchange) { e.signatures = "" }, false},
		"an empty signature":   {func(e *exchange) { e.signatures = "v1," }, false},
		"another version":      {func(e *exchange) { e.signatures = "v2" + exampleSignature[2:] }, false},
		"a part of one":        {func(e *exchange) { e.signatures = exampleSignature[:19] }, false},
	} {
		one := good
		test.alter(&one)
		header := http.Header{}
		header.Set("Webhook-Id", one.id)
		header.Set("Webhook-Timestamp", one.at)
		header.Set("Webhook-Signature", one.signatures)
		verifier := WebhookVerifier{Keys: one.keys, Now: func() time.Time { return one.now }}
		m, err := verifier.Verify([]byte(one.body), header)
		if good := err == nil && m.ID == one.id; good != test.good {
			t.Errorf("%s: %v", name, err)
		}
		if name == "another key" && !errors.Is(err, ErrWebhook) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
