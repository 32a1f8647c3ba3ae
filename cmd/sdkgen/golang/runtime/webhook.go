package chaveiro

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ErrWebhook is the error of a request that is not one of a webhook: a header is missing, its time
// is too far away, or no signature is good.
var ErrWebhook = errors.New("chaveiro: not a request of the webhook")

// WebhookTolerance is how far the time of a request may be from now.
const WebhookTolerance = 5 * time.Minute

// A WebhookVerifier verifies the requests of a webhook, in the form of Standard Webhooks. Keys has
// the keys that the service has shown, as whsec_…; during a rotation both.
type WebhookVerifier struct {
	Keys      []string
	Tolerance time.Duration    // 0: WebhookTolerance
	Now       func() time.Time // nil: time.Now
}

// A WebhookMessage is what a webhook sends. ID is the same in each attempt and replay, so that a
// receiver can tell what it has done already. Data is the JSON of a StreamEvent, except in a
// message of the type ping.
type WebhookMessage struct {
	ID        string          `json:"-"`
	Type      string          `json:"type"`
	Timestamp time.Time       `json:"timestamp"`
	Data      json.RawMessage `json:"data"`
}

// Verify returns the message of a request. body is what has arrived, octet by octet. Errors:
// ErrWebhook, wrapped; those of keys and bodies that can't be read.
func (w WebhookVerifier) Verify(body []byte, header http.Header) (m WebhookMessage, err error) {
	id, at := header.Get("webhook-id"), header.Get("webhook-timestamp")
	if err := w.inTime(at); err != nil {
		return m, err
	}
	signatures := signaturesOf(header.Values("webhook-signature"))
	if id == "" || len(signatures) == 0 {
		return m, fmt.Errorf("%w: a header is missing", ErrWebhook)
	}
	good := 0
	for _, key := range w.Keys {
		octets, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(key, "whsec_"))
		if err != nil || len(octets) == 0 {
			return m, errors.New("chaveiro: a key of the webhook is not whsec_ and base64")
		}
		mac := hmac.New(sha256.New, octets)
		mac.Write([]byte(id + "." + at + "."))
		mac.Write(body)
		want := mac.Sum(nil)
		for _, signature := range signatures {
			good |= subtle.ConstantTimeCompare(want, signature)
		}
	}
	if good != 1 {
		return m, fmt.Errorf("%w: no signature is good", ErrWebhook)
	}
	m.ID = id
	return m, json.Unmarshal(body, &m)
}

func (w WebhookVerifier) inTime(text string) error {
	now, tolerance := time.Now(), WebhookTolerance
	if w.Now != nil {
		now = w.Now()
	}
	if w.Tolerance > 0 {
		tolerance = w.Tolerance
	}
	at, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: it has no time", ErrWebhook)
	}
	if away := now.Sub(time.Unix(at, 0)); away > tolerance || away < -tolerance {
		return fmt.Errorf("%w: it is too old or too new", ErrWebhook)
	}
	return nil
}

// signaturesOf reads the signatures of version 1; others are left out.
func signaturesOf(values []string) (list [][]byte) {
	for _, text := range strings.Fields(strings.Join(values, " ")) {
		version, encoded, _ := strings.Cut(text, ",")
		signature, err := base64.StdEncoding.DecodeString(encoded)
		if version == "v1" && err == nil {
			list = append(list, signature)
		}
	}
	return list
}
