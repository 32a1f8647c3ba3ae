package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestKeyStore: it is away, silent, or failing, and answers again.
func TestKeyStore(t *testing.T) {
	t.Parallel()
	k, err := newKeyStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.close() })
	ask := func() (int, error) {
		client := http.Client{Timeout: 300 * time.Millisecond, Transport: &http.Transport{DisableKeepAlives: true}}
		request, err := http.NewRequest(http.MethodGet, k.stub.URL+"/v1/auth/token/lookup-self", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Vault-Token", k.stub.First)
		answer, err := client.Do(request)
		if err != nil {
			return 0, err
		}
		return answer.StatusCode, answer.Body.Close()
	}
	for how, want := range map[conduct]int{answers: 200, away: 0, silent: 0, failing: 500} {
		k.behave(how)
		if got, err := ask(); got != want || (err != nil) != (want == 0) {
			t.Errorf("%q: %d, %v", how, got, err)
		}
	}
	k.behave(answers)
	if got, err := ask(); got != 200 {
		t.Errorf("afterwards: %d, %v", got, err)
	}
}
