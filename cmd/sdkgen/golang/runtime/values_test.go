package chaveiro

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// update is a request with fields of three states.
type update struct {
	Name  Optional[string]    `json:"name,omitzero"`
	Roles Optional[[]int64]   `json:"roles,omitzero"`
	Limit Optional[int]       `json:"limit,omitzero"`
	At    Optional[time.Time] `json:"at,omitzero"`
}

// TestOptional: absent, null and empty are three things, there and back.
func TestOptional(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)
	for want, value := range map[string]update{
		`{}`:                                    {},
		`{"name":"","roles":[],"limit":0}`:      {Name: Set(""), Roles: Set([]int64{}), Limit: Set(0)},
		`{"name":null,"roles":null}`:            {Name: Null[string](), Roles: Null[[]int64]()},
		`{"limit":3}`:                           {Limit: Set(3)},
		`{"at":"2026-01-02T03:04:05.0000006Z"}`: {At: Set(at)},
	} {
		text, err := json.Marshal(value)
		if err != nil || string(text) != want {
			t.Errorf("%s, %v, want %s", text, err, want)
		}
		var back update
		if err := json.Unmarshal(text, &back); err != nil {
			t.Error(err)
		}
		if again, err := json.Marshal(back); err != nil || string(again) != want {
			t.Errorf("back %s, %v, want %s", again, err, want)
		}
	}
	if value, ok := Set("x").Get(); !ok || value != "x" || Set("x").IsNull() || !Null[int]().IsNull() {
		t.Error("Get or IsNull")
	}
	if _, ok := Null[int]().Get(); ok {
		t.Error("null is a value")
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	c := serve(t, Config{Timeout: 5 * time.Second}, func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("If-None-Match") {
		case `"1"`:
			w.WriteHeader(http.StatusNotModified)
			return
		case "cut":
			w.Header().Set("Content-Length", "100")
		}
		w.Header().Set("Content-Type", "application/x-pem-file; charset=us-ascii")
		w.Header().Set("Content-Disposition", `attachment; filename="ca.pem"`)
		_, _ = io.WriteString(w, "PEM")
	})
	var raw Response
	file, err := callFile(t.Context(), c.client, get(), []CallOption{WithResponse(&raw)})
	if err != nil {
		t.Fatal(err)
	}
	data, err := file.Bytes()
	if err != nil || string(data) != "PEM" || file.Name != "ca.pem" || file.MediaType != "application/x-pem-file" {
		t.Errorf("%q %v %+v", data, err, file)
	}
	if raw.Status != 200 || raw.Body != nil {
		t.Errorf("captured %+v", raw)
	}
	file, err = callFile(t.Context(), c.client, get(), []CallOption{WithHeader("If-None-Match", `"1"`)})
	if err != nil || !file.NotModified {
		t.Fatal(file, err)
	}
	if data, err := file.Bytes(); err != nil || len(data) != 0 {
		t.Errorf("%q %v", data, err)
	}
	file, err = callFile(t.Context(), c.client, get(), []CallOption{WithHeader("If-None-Match", "cut")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Bytes(); !as[*NetworkError](err) || !strings.Contains(err.Error(), "unexpected EOF") {
		t.Errorf("error %v", err)
	}
}

// TestFile_Slow: the time-out of a call ends before a file is read.
func TestFile_Slow(t *testing.T) {
	t.Parallel()
	c := serve(t, Config{Timeout: 100 * time.Millisecond}, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "a")
		_ = http.NewResponseController(w).Flush()
		time.Sleep(200 * time.Millisecond)
		_, _ = io.WriteString(w, "b")
	})
	file, err := callFile(t.Context(), c.client, get(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := file.Bytes(); err != nil || string(data) != "ab" {
		t.Errorf("%q %v", data, err)
	}
}
