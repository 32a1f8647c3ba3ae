package app_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// keyedPost is a request with an Idempotency-Key. answer is nil if the server was killed before it
// answered.
type keyedPost struct {
	path, key string
	in        object
	answer    object
}

// postKeyed makes a client, several at once or an apikey.
func (w *crashWorld) postKeyed(ctx context.Context, c *apptest.Client, authority *crashAuthority) error {
	number := w.names.Add(1)
	sent := keyedPost{path: apikeys, key: fmt.Sprintf("key-%d", number), in: object{"name": fmt.Sprintf("keyed-%d", number)}}
	switch number % 3 {
	case 0:
		sent.path = clients
		sent.in["ca_id"], sent.in["email"] = authority.id, "site@example.com"
	case 1:
		sent.path, sent.in = clients+"/batch", object{"clients": w.batch(number)}
	}
	err := sent.post(ctx, c, &sent.answer)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keyed = append(w.keyed, sent)
	return err
}

// batch are the clients of one request, of both CAs. If a killed server had stored some of them, a
// repeat of the request would find their names taken.
func (w *crashWorld) batch(number int64) []object {
	rows := make([]object, 40)
	for i := range rows {
		rows[i] = object{
			"ca_id": w.authorities[i%2].id, "name": fmt.Sprintf("batch-%d-%d", number, i), "email": "site@example.com",
		}
	}
	return rows
}

func (p keyedPost) post(ctx context.Context, c *apptest.Client, answer *object) error {
	keyed := *c
	keyed.Key = p.key
	return keyed.Do(ctx, http.MethodPost, p.path, p.in, answer)
}

// repeat sends the request again: it must succeed, also if the killed server had stored its change,
// and give what was answered.
func (w *crashWorld) repeat(ctx context.Context, c *apptest.Client, sent keyedPost) error {
	for range 2 {
		var again object
		if err := sent.post(ctx, c, &again); err != nil {
			return err
		}
		if sent.answer == nil {
			sent.answer = again
		}
		if diff := cmp.Diff(sent.answer, again); diff != "" {
			return fmt.Errorf("a repeat of %s %s: %s", sent.path, sent.key, diff)
		}
	}
	return nil
}
