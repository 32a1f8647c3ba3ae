package pam_test

import (
	"net/http"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// A client signs the method that it sends: HEAD is not GET (RFC 5849, section 3.4.1.1).
func TestHead_Signed(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	p := authorize(t, s, domain.AuthOAuth1)
	for _, test := range []struct {
		signed, sent string
		status       int
	}{{"HEAD", "HEAD", 200}, {"GET", "GET", 200}, {"GET", "HEAD", 401}, {"HEAD", "GET", 401}} {
		r, err := http.NewRequestWithContext(t.Context(), test.signed, s.URL+"/iso/pam/device", nil)
		if err != nil {
			t.Fatal(err)
		}
		signer{party: p}.sign(t, r)
		r.Method = test.sent
		response, err := s.HTTP.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != test.status {
			t.Errorf("%s that was signed as %s: %d", test.sent, test.signed, response.StatusCode)
		}
	}
}
