package contract_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// addWebhook makes the webhook 1, of an endpoint on loopback, and returns the id of an event that
// was delivered to it. The server has to allow loopback.
func addWebhook(t *testing.T, server *apptest.Client) string {
	t.Helper()
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(endpoint.Close)
	hook := map[string]any{"name": "tests", "url": endpoint.URL, "types": []string{"webhook.updated"}}
	err := server.Do(t.Context(), http.MethodPost, "/api/webhooks", hook, nil)
	change := map[string]any{"description": "told"}
	err = errors.Join(err, server.Do(t.Context(), http.MethodPut, "/api/webhooks/1", change, nil))
	if err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); time.Since(begun) < 20*time.Second; time.Sleep(20 * time.Millisecond) {
		var page struct {
			Deliveries []struct{ Event struct{ ID json.Number } }
		}
		if err := server.Do(t.Context(), http.MethodGet, "/api/webhooks/1/deliveries", nil, &page); err != nil {
			t.Fatal(err)
		}
		if len(page.Deliveries) > 0 {
			return page.Deliveries[0].Event.ID.String()
		}
	}
	t.Fatal("nothing was delivered")
	return ""
}
