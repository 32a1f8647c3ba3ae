package app_test

import (
	"net/http"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// checkKeys checks that every apikey that was answered since the last check exists, and that its
// token works.
func (w *crashWorld) checkKeys(t *testing.T) {
	t.Helper()
	for _, key := range w.freshKeys {
		c := &apptest.Client{URL: w.server.URL, Token: key.Token}
		var who struct {
			ID       int64
			Username string
		}
		if err := c.Do(t.Context(), http.MethodGet, userInfo, nil, &who); err != nil || who.ID != key.ID ||
			who.Username != key.Name {
			t.Errorf("apikey %d %s is %d %s (%v)", key.ID, key.Name, who.ID, who.Username, err)
		}
	}
	w.freshKeys = nil
}
