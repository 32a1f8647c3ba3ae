package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

const eventsPath = "/api/events"

// keepEvents runs the background work of the stream until the test ends.
func keepEvents(t testing.TB, s *wiretest.Server) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var worker sync.WaitGroup
	worker.Go(func() { s.Services.Stream.Keep(ctx) })
	t.Cleanup(func() { s.Services.Stream.Drain(); stop(); worker.Wait() })
}

// sent is an event as a client gets it.
type sent struct{ ID, Name, Data string }

// follower is a client that follows the stream.
type follower struct {
	t      testing.TB
	body   io.ReadCloser
	lines  *bufio.Reader
	lastID string
}

// follow begins to follow. Headers are pairs of names and values.
func follow(t testing.TB, url, path, token string, headers ...string) *follower {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Accept", "text/event-stream")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" ||
		response.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", response.StatusCode, response.Header)
	}
	f := &follower{t: t, body: response.Body, lines: bufio.NewReader(response.Body)}
	return f
}

// next reads up to the next event. The error is io.EOF when the stream has ended.
func (f *follower) next() (e sent, err error) {
	f.t.Helper()
	for {
		line, err := f.lines.ReadString('\n')
		if err != nil {
			return e, err
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch field {
		case "id", "id:":
			e.ID, f.lastID = value, value
		case "event":
			e.Name = value
		case "data":
			e.Data = value
		case "":
			if e.Data != "" {
				return e, nil
			}
		}
	}
}

func (f *follower) mustNext() sent {
	f.t.Helper()
	e, err := f.next()
	if err != nil {
		f.t.Fatal(err)
	}
	return e
}

// ends waits for the end of the stream, and returns how long it took.
func (f *follower) ends() time.Duration {
	f.t.Helper()
	begun := time.Now()
	for {
		if _, err := f.next(); err != nil {
			return time.Since(begun)
		}
	}
}

// page reads a page of the stream.
func page(t testing.TB, s *wiretest.Server, query string) (list []json.RawMessage) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+eventsPath+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+s.Token)
	response, err := s.HTTP.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var found struct{ Events []json.RawMessage }
	if err := json.NewDecoder(response.Body).Decode(&found); err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response.StatusCode, err)
	}
	return found.Events
}

// TestEvents_Stream: a client that follows gets each event as pages have it; one that resumes gets
// what it has missed, with its filter; one whose events are gone is told.
func TestEvents_Stream(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	keepEvents(t, s)
	now := follow(t, s.URL, eventsPath, s.Token)
	behind := follow(t, s.URL, eventsPath+"?cursor=1", s.Token)
	picky := follow(t, s.URL, eventsPath+"?type=role.deleted", s.Token)
	if got := behind.mustNext(); got.ID != "2" || got.Name != "apikey.created" {
		t.Errorf("%+v", got)
	}
	id := s.Role(t, "um")
	got := now.mustNext()
	if diff := cmp.Diff(sent{"3", "role.created", string(page(t, s, "?cursor=2")[0])}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(got, behind.mustNext()); diff != "" {
		t.Error(diff)
	}
	if err := s.Services.Roles.Delete(s.Operator, id); err != nil {
		t.Fatal(err)
	}
	last := now.mustNext()
	if diff := cmp.Diff(last, picky.mustNext()); diff != "" {
		t.Error(diff)
	}
	resumed := follow(t, s.URL, eventsPath+"?cursor=1", s.Token, "Last-Event-ID", now.lastID)
	s.Role(t, "dois")
	if got := resumed.mustNext(); got.ID != "5" {
		t.Errorf("%+v", got)
	}
	lost := follow(t, s.URL, eventsPath, s.Token, "Last-Event-ID", "99")
	if got := lost.mustNext(); got.Name != "reset" || lost.lastID != "" {
		t.Errorf("%+v", got)
	}
	lost.ends()
}

// TestEvents_Stream_Outlives: the time limits of requests and of connections don't end a stream.
func TestEvents_Stream_Outlives(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t, func(c *wiretest.Settings) { c.Config.RequestTimeout = time.Second })
	keepEvents(t, s)
	server := httptest.NewUnstartedServer(s.Handler)
	server.Config.ReadTimeout, server.Config.WriteTimeout = time.Second, time.Second
	server.Start()
	t.Cleanup(func() { s.Services.Stream.Drain(); server.Close() })
	f := follow(t, server.URL, eventsPath, s.Token)
	time.Sleep(2500 * time.Millisecond)
	s.Role(t, "um")
	if got := f.mustNext(); got.Name != "role.created" {
		t.Errorf("%+v", got)
	}
}

// TestEvents_Stream_Rights: a stream ends within seconds when its apikey is disabled, deleted or
// loses the right.
func TestEvents_Stream_Rights(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	keepEvents(t, s)
	role := s.Role(t, "eventos", domain.Permission{Scope: domain.ScopeEvents, Read: true})
	with := func(name string) *follower {
		return follow(t, s.URL, eventsPath, s.APIKey(t, domain.APIKey{Name: name}, role))
	}
	disabled, deleted, powerless, stays := with("a"), with("b"), with("c"), follow(t, s.URL, eventsPath, s.Token)
	no := false
	if _, err := s.Services.APIKeys.Update(s.Operator, 3, domain.APIKeyUpdate{Enabled: &no}); err != nil {
		t.Fatal(err)
	}
	if err := s.Services.APIKeys.Delete(s.Operator, 4); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Services.APIKeys.Update(s.Operator, 5, domain.APIKeyUpdate{Roles: []int64{}}); err != nil {
		t.Fatal(err)
	}
	for _, f := range []*follower{disabled, deleted, powerless} {
		if took := f.ends(); took > 8*time.Second {
			t.Errorf("it ended after %s", took)
		}
	}
	s.Role(t, "outro")
	for got := (sent{}); got.Name != "role.created"; {
		got = stays.mustNext()
	}
}

// TestEvents_Stream_Turns: however many follow, other requests get a turn; and when the server
// stops, the streams end by themselves.
func TestEvents_Stream_Turns(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	keepEvents(t, s)
	followers := make([]*follower, 200) // more than turns
	for i := range followers {
		followers[i] = follow(t, s.URL, eventsPath, s.Token)
	}
	begun := time.Now()
	page(t, s, "")
	if took := time.Since(begun); took > 4*time.Second {
		t.Errorf("a page took %s", took)
	}
	s.Role(t, "um")
	for _, f := range followers {
		if got := f.mustNext(); got.Name != "role.created" {
			t.Fatalf("%+v", got)
		}
	}
	s.Services.Stream.Drain()
	for _, f := range followers {
		if _, err := f.next(); !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	}
}

// TestEvents_Stream_Head: HEAD is answered as that of a page, and does not wait.
func TestEvents_Stream_Head(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodHead, s.URL+eventsPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+s.Token)
	request.Header.Set("Accept", "text/event-stream")
	response, err := s.HTTP.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "application/json" {
		t.Error(response.StatusCode, response.Header)
	}
}
