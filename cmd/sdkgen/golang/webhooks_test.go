package golang_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/gen/sdk/go"
)

// TestWebhooks: what a server sends to a webhook is verified, also while its key is rotated.
func TestWebhooks(t *testing.T) {
	t.Parallel()
	p, _ := start(t, "--webhook-allow", "127.0.0.0/8")
	sdk, ctx := connect(t, chaveiro.Config{URL: p.URL, Auth: token(t, p)}), t.Context()
	type arrived struct {
		body   []byte
		header http.Header
	}
	requests := make(chan arrived, 200)
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests <- arrived{body, r.Header}
	}))
	t.Cleanup(endpoint.Close)
	next := func() arrived {
		t.Helper()
		select {
		case one := <-requests:
			return one
		case <-time.After(20 * time.Second):
			t.Fatal("nothing comes")
			return arrived{}
		}
	}
	hook := must(sdk.Events.CreateWebhook(ctx, chaveiro.WebhookCreate{
		Name: "sdk", URL: endpoint.URL, Types: chaveiro.Set([]chaveiro.EventType{"role.created"}),
	}))(t)
	verifier := chaveiro.WebhookVerifier{Keys: []string{hook.Key}}
	if got := must(sdk.Events.TestWebhook(ctx, hook.ID))(t); !got.Delivered {
		t.Errorf("%+v", got)
	}
	ping := next()
	if m := must(verifier.Verify(ping.body, ping.header))(t); m.Type != "ping" {
		t.Errorf("%+v", m)
	}
	role := must(sdk.Auth.CreateRole(ctx, chaveiro.RoleCreate{Name: "first"}))(t)
	one := next()
	message := must(verifier.Verify(one.body, one.header))(t)
	var event chaveiro.StreamEvent
	err := json.Unmarshal(message.Data, &event)
	if err != nil || event.ResourceID == nil || *event.ResourceID != role.ID {
		t.Errorf("%s: %v", one.body, err)
	}
	if _, err := verifier.Verify(append(one.body, ' '), one.header); !errors.Is(err, chaveiro.ErrWebhook) {
		t.Error(err)
	}
	rotated := must(sdk.Events.RotateWebhook(ctx, hook.ID, chaveiro.WebhookRotate{}))(t)
	for i := 0; !strings.Contains(one.header.Get("webhook-signature"), " "); i++ {
		must(sdk.Auth.CreateRole(ctx, chaveiro.RoleCreate{Name: fmt.Sprint("again ", i)}))(t)
		one = next()
		must(verifier.Verify(one.body, one.header))(t)
	}
	verifier.Keys = []string{rotated.Key}
	must(verifier.Verify(one.body, one.header))(t)
}
