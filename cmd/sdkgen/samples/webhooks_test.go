package samples_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/gen/sdk/go"
)

// addWebhook makes the webhook 1, of an endpoint on loopback, and returns the id of an event that
// was delivered to it.
func addWebhook(t *testing.T, sdk *chaveiro.SDK) string {
	t.Helper()
	endpoint := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(endpoint.Close)
	ctx := t.Context()
	must(sdk.Events.CreateWebhook(ctx, chaveiro.WebhookCreate{
		Name: "tests", URL: endpoint.URL, Types: chaveiro.Set([]chaveiro.EventType{"webhook.updated"}),
	}))(t)
	must(sdk.Events.UpdateWebhook(ctx, 1, chaveiro.WebhookUpdate{Description: chaveiro.Set("told")}))(t)
	for begun := time.Now(); time.Since(begun) < 20*time.Second; time.Sleep(20 * time.Millisecond) {
		page, err := sdk.Events.GetWebhookDeliveriesPages(1, chaveiro.GetWebhookDeliveriesPagesParams{}).Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if page != nil && len(page.Items) > 0 {
			return fmt.Sprint(page.Items[0].Event.ID)
		}
	}
	t.Fatal("nothing was delivered")
	return ""
}
