package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

const (
	clientsPath   = "/api/openvpn/clients/site2site"
	casPath       = "/api/openvpn/cas"
	instancesPath = "/api/openvpn/instances"
	tokenPath     = "/api/oauth2/token"
)

// answer is an HTTP response whose body has been read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// send makes a request as superuser, with header fields in pairs; one without a value is not sent
// at all.
func send(t testing.TB, s *wiretest.Server, method, path, body string, header ...string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+s.Token)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Del(header[i])
	}
	for i := 0; i < len(header); i += 2 {
		if header[i+1] != "" {
			request.Header.Add(header[i], header[i+1])
		}
	}
	return do(t, s.HTTP, request)
}

func do(t testing.TB, client *http.Client, request *http.Request) answer {
	t.Helper()
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, body}
}

// want demands a status, and of a refusal the field and type of its first error.
func (a answer) want(t testing.TB, status int, field, kind string) {
	t.Helper()
	if a.status != status {
		t.Errorf("status %d, not %d: %s", a.status, status, a.body)
		return
	}
	if status < 400 {
		return
	}
	var got gen.Errors
	if err := json.Unmarshal(a.body, &got); err != nil || len(got.Errors) == 0 {
		t.Errorf("%v in %s", err, a.body)
	} else if first := got.Errors[0]; first.Field != field || string(first.Type) != kind {
		t.Errorf("%s of %q, not %s of %q", first.Type, first.Field, kind, field)
	}
}

// object returns the body of a successful answer.
func (a answer) object(t testing.TB) (object map[string]any) {
	t.Helper()
	if a.status != 200 {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	if err := json.Unmarshal(a.body, &object); err != nil {
		t.Fatal(err)
	}
	return object
}

func (a answer) client(t testing.TB) gen.ClientSite2Site {
	t.Helper()
	var client gen.ClientSite2Site
	if a.status != 200 {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	if err := json.Unmarshal(a.body, &client); err != nil {
		t.Fatal(err)
	}
	return client
}

// withCA starts a server with the CA 1.
func withCA(t testing.TB, change ...func(*wiretest.Settings)) *wiretest.Server {
	t.Helper()
	s := wiretest.Start(t, change...)
	send(t, s, "POST", casPath, `{"name": "ca", "email": "ca@empresa.com.br"}`).want(t, 200, "", "")
	return s
}
