package chaveiro

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// record is a body of the size of a client's.
type record struct {
	ID          int64     `json:"id"`
	Name        string    `json:"name"`
	Email       string    `json:"email"`
	Description string    `json:"description"`
	Country     string    `json:"country"`
	Revoked     bool      `json:"revoked"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

const recordText = `{"id":1,"name":"client-s2s","email":"client_s2s@client.com.br","description":"Empresa XYZ","country":"BR",` +
	`"revoked":false,"created_at":"2017-10-05T12:20:02.932000+00:00","updated_at":"2017-11-05T12:20:02.932000+00:00"}`

func benchServer(b *testing.B) *httptest.Server {
	b.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, recordText)
	}))
	b.Cleanup(server.Close)
	return server
}

// BenchmarkCall is a call of the SDK; BenchmarkBare is the same without it.
func BenchmarkCall(b *testing.B) {
	c, err := newClient(Config{URL: benchServer(b).URL, Auth: AccessToken("token")})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if value, err := call[record](b.Context(), c, closed(), nil); err != nil || value.ID != 1 {
			b.Fatal(err)
		}
	}
}

// BenchmarkBare is what BenchmarkCall is measured by.
func BenchmarkBare(b *testing.B) {
	url := benchServer(b).URL + "/api/items/7"
	b.ReportAllocs()
	for b.Loop() {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer token")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		var value record
		err = json.NewDecoder(response.Body).Decode(&value)
		_ = response.Body.Close()
		if err != nil || value.ID != 1 {
			b.Fatal(err)
		}
	}
}
