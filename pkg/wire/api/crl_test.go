package api_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// Every list has a Last-Modified of its own, even if several are signed within one second, and only
// exactly that is answered with 304.
func TestCRL_LastModified(t *testing.T) {
	t.Parallel()
	s := withCA(t)
	seen := map[string]bool{}
	for i := range 4 {
		client := send(t, s, "POST", clientsPath, fmt.Sprintf(`{"ca_id": 1, "name": "site-%d", "email": "a@b.c"}`, i)).
			client(t)
		send(t, s, "DELETE", fmt.Sprint(clientsPath, "/", client.ID), "").want(t, 200, "", "")
		got := send(t, s, "GET", casPath+"/1/crl", "")
		date := got.header.Get("Last-Modified")
		modified, err := http.ParseTime(date)
		if err != nil || modified.After(time.Now()) || seen[date] {
			t.Fatalf("Last-Modified %q after %v: %v", date, seen, err)
		}
		for earlier := range seen {
			send(t, s, "GET", casPath+"/1/crl", "", "If-Modified-Since", earlier).want(t, 200, "", "")
		}
		seen[date] = true
		checkConditions(
			t, func(header ...string) answer { return send(t, s, "GET", casPath+"/1/crl", "", header...) }, modified,
		)
		checkConditions(
			t, func(header ...string) answer { return send(t, s, "GET", casPath+"/1/crl?format=der", "", header...) },
			modified,
		)
		checkConditions(t, func(header ...string) answer {
			return send(t, s, "HEAD", casPath+"/1/crl", "", append(header, "Accept", "application/pkix-crl")...)
		}, modified)
	}
}

func checkConditions(t *testing.T, ask func(header ...string) answer, modified time.Time) {
	t.Helper()
	tag, date := ask().header.Get("ETag"), modified.UTC().Format(http.TimeFormat)
	for _, c := range []struct {
		status int
		header []string
	}{
		{304, []string{"If-Modified-Since", date}},
		{304, []string{"If-Modified-Since", modified.UTC().Format(time.ANSIC)}},
		{200, []string{"If-Modified-Since", modified.Add(-time.Second).UTC().Format(http.TimeFormat)}},
		{200, []string{"If-Modified-Since", modified.Add(time.Second).UTC().Format(http.TimeFormat)}},
		{200, []string{"If-Modified-Since", time.Now().UTC().Format(http.TimeFormat)}},
		{200, []string{"If-Modified-Since", "yesterday"}},
		{200, []string{"If-Modified-Since", date, "If-Modified-Since", date}},
		{200, []string{"If-Modified-Since", date, "If-None-Match", `"x"`}},
		{304, []string{"If-Modified-Since", "yesterday", "If-None-Match", tag}},
		{304, []string{"If-None-Match", tag}},
	} {
		got := ask(c.header...)
		if got.status != c.status || got.header.Get("Last-Modified") != date || got.header.Get("ETag") != tag ||
			got.header.Get("Chaveiro-CRL-Stale") != "" {
			t.Errorf("%q: %d %v", c.header, got.status, got.header)
		}
		if c.status == 304 && len(got.body) > 0 {
			t.Errorf("%q: 304 with content", c.header)
		}
	}
}

// Without a database the last list is served, and marked as stale.
func TestCRL_Stale(t *testing.T) {
	t.Parallel()
	s := withCA(t)
	good := send(t, s, "GET", casPath+"/1/crl", "", "Authorization", "")
	if err := s.Storage.Store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ status, condition string }{{"200", ""}, {"304", good.header.Get("ETag")}} {
		got := send(t, s, "GET", casPath+"/1/crl", "", "Authorization", "", "If-None-Match", c.condition)
		if fmt.Sprint(got.status) != c.status || got.header.Get("Chaveiro-CRL-Stale") != "true" ||
			got.header.Get("Last-Modified") != good.header.Get("Last-Modified") {
			t.Errorf("%d %v", got.status, got.header)
		}
	}
}
