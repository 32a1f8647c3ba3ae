package events

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/seal"
)

// This file has the form of what is sent: that of Standard Webhooks, with the event as pages of the
// stream have it as its data.

// typePing is the type of the message of a test.
const typePing = "ping"

// message is what is sent, without its signatures.
type message struct {
	id   string
	body []byte
}

// request is what is sent in one attempt.
type request struct {
	message
	at         time.Time
	signatures string
}

type envelope struct {
	Type      string `json:"type"`
	Timestamp string `json:"timestamp"`
	Data      any    `json:"data"`
}

// sentEvent has the members of an event in the order of the dialect's.
type sentEvent struct {
	ID           int64            `json:"id"`
	Type         domain.EventType `json:"type"`
	At           string           `json:"at"`
	Resource     domain.Scope     `json:"resource"`
	ResourceID   *int64           `json:"resource_id"`
	ResourceName string           `json:"resource_name"`
	Actor        sentActor        `json:"actor"`
	RequestID    string           `json:"request_id"`
	TraceID      *string          `json:"trace_id"`
	Data         domain.EventData `json:"data"`
}

type sentActor struct {
	Type string `json:"type"`
	ID   *int64 `json:"id"`
	Name string `json:"name"`
}

func sentTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000-07:00") }

// orNull is null for the zero value.
func orNull[T comparable](v T) *T {
	if v == *new(T) {
		return nil
	}
	return &v
}

// messageOf is the message of an event. Its id is the same in each attempt, and in each replay.
func messageOf(e domain.StreamEvent) (message, error) {
	actor := sentActor{"nobody", orNull(e.ActorID), e.ActorName}
	if e.ActorKind != domain.PrincipalNobody {
		actor.Type = string(e.ActorKind)
	}
	data, err := sentData(e.Data)
	if err != nil {
		return message{}, err
	}
	body, err := json.Marshal(envelope{string(e.Type), sentTime(e.At), sentEvent{
		ID: e.ID, Type: e.Type, At: sentTime(e.At), Resource: e.Resource, ResourceID: orNull(e.ResourceID),
		ResourceName: e.ResourceName, Actor: actor, RequestID: e.RequestID, TraceID: orNull(e.TraceID), Data: data,
	}})
	return message{"evt_" + strconv.FormatInt(e.ID, 10), body}, err
}

// sentData writes the times as the dialect does.
func sentData(text string) (data domain.EventData, err error) {
	if text == "" {
		return data, nil
	}
	if err := json.Unmarshal([]byte(text), &data); err != nil {
		return data, err
	}
	for _, moment := range []*string{&data.ExpiresAt, &data.SupersededAt} {
		if at, err := time.Parse(time.RFC3339, *moment); err == nil {
			*moment = sentTime(at)
		}
	}
	return data, nil
}

// pingOf is the message of a test.
func pingOf(w domain.Webhook, now time.Time) (message, error) {
	body, err := json.Marshal(envelope{typePing, sentTime(now), map[string]any{"webhook_id": w.ID, "name": w.Name}})
	return message{"ping_" + rand.Text(), body}, err
}

// signingKey is a key, and until when it signs; the zero time: always.
type signingKey struct {
	key   []byte
	until time.Time
}

// openKeys opens the keys of a webhook, the present one first.
func openKeys(keyring *seal.Keyring, w domain.Webhook) ([]signingKey, error) {
	key, err := keyring.Open(w.Secret, place(w.ID))
	if err != nil {
		return nil, err
	}
	keys := []signingKey{{key: key}}
	if w.PreviousUntil.IsZero() {
		return keys, nil
	}
	if key, err = keyring.Open(w.Previous, place(w.ID)); err != nil {
		return nil, err
	}
	return append(keys, signingKey{key, w.PreviousUntil}), nil
}

// signed adds the signatures of all keys that sign at the time now: v1, with a comma and the base64
// of the HMAC-SHA256 of id, time and body, with dots between them.
func (m message) signed(keys []signingKey, now time.Time) request {
	content := []byte(m.id + "." + strconv.FormatInt(now.Unix(), 10) + ".")
	var all []string
	for _, one := range keys {
		if !one.until.IsZero() && !now.Before(one.until) {
			continue
		}
		mac := hmac.New(sha256.New, one.key)
		mac.Write(content)
		mac.Write(m.body)
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return request{m, now, strings.Join(all, " ")}
}
