package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	// requestTimeout is the deadline of the replicas.
	requestTimeout = 5 * time.Second
	// answerTimeout is the longest that a request may take: until it has its turn, its deadline,
	// and what a machine takes that is busy with all this.
	answerTimeout = 40 * time.Second
	// lateness is how long after a request was sent it may still change something: its deadline,
	// what it waits before it, and a commit that the database had begun.
	lateness = 20 * time.Second
)

// outcome is what became of a request.
type outcome int

const (
	answered outcome = iota // with 200, or 201
	refused                 // try again later; it may have been done all the same
	lost                    // no answer, because of a fault
	denied                  // with another status, which the caller judges
	wrong                   // what must not happen; it is reported already
)

// call is one request. in is sent as JSON; out gets the body of an answer, as it is when it is a
// *[]byte, and otherwise from JSON.
type call struct {
	method, path, token, key string
	in, out                  any
	body                     []byte      // instead of in
	mediaType, accept        string      // of body, and of the answer
	any                      bool        // whatever its answer says is no finding
	moot                     func() bool // whether a denial is excused by now; nil: it is not
	status                   int         // gets that of the answer
	answer                   []byte      // gets that of one that was denied
	header                   http.Header
}

// ask sends a request to a replica. Anything that no fault excuses is a finding.
func (c *campaign) ask(ctx context.Context, r *replica, k *call) outcome {
	before := r.disturbed.Load()
	request, err := k.request(ctx, r.url())
	if err != nil {
		return c.find("%v", err)
	}
	begun := time.Now()
	body, err := k.send(r.http, request)
	took := time.Since(begun)
	c.tally.add(k, err)
	switch excused := before%2 == 1 || r.disturbed.Load() != before; {
	case ctx.Err() != nil:
		return lost
	case err != nil && excused:
		return lost
	case err != nil:
		return c.find("%s %s of replica %d got no answer, after %s: %v", k.method, k.path, r.number, took, err)
	case k.status == http.StatusOK || k.status == http.StatusCreated:
		return c.read(r, k, body)
	case k.any:
		k.answer = body
		return denied
	case k.status >= 500 && k.header.Get("Retry-After") != "":
		return refused
	case k.status >= 500:
		return c.find("%s %s of replica %d: %d without Retry-After, request %s: %s", k.method, k.path, r.number,
			k.status, k.header.Get("X-Request-Id"), body)
	}
	k.answer = body
	return denied
}

func (c *campaign) read(r *replica, k *call, body []byte) outcome {
	if raw, ok := k.out.(*[]byte); ok {
		*raw = body
	} else if k.out != nil {
		if err := json.Unmarshal(body, k.out); err != nil {
			return c.find("%s %s of replica %d: %v: %.200s", k.method, k.path, r.number, err, body)
		}
	}
	return answered
}

func (k *call) request(ctx context.Context, url string) (*http.Request, error) {
	body, mediaType := k.body, k.mediaType
	if k.in != nil {
		encoded, err := json.Marshal(k.in)
		if err != nil {
			return nil, err
		}
		body, mediaType = encoded, "application/json"
	}
	request, err := http.NewRequestWithContext(ctx, k.method, url+k.path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{
		"Content-Type": mediaType, "Idempotency-Key": k.key, "Authorization": k.token, "Accept": k.accept,
	} {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	return request, nil
}

// send reads the whole answer, or there was none.
func (k *call) send(client *http.Client, request *http.Request) ([]byte, error) {
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	k.status, k.header = response.StatusCode, response.Header
	return body, err
}

// unexpected is the finding of an answer that nothing explains.
func (c *campaign) unexpected(r *replica, k *call) outcome {
	return c.find("%s %s of replica %d: %d, request %s: %.300s", k.method, k.path, r.number, k.status,
		k.header.Get("X-Request-Id"), k.answer)
}

// must repeats a request at all replicas in turn until it is answered.
func (c *campaign) must(ctx context.Context, k call) error {
	for i := 0; ctx.Err() == nil; i++ {
		again := k
		switch r := c.replicas[i%len(c.replicas)]; c.ask(ctx, r, &again) {
		case answered:
			return nil
		case denied:
			return fmt.Errorf("%s %s: %d %s", k.method, k.path, again.status, again.answer)
		case wrong:
			return c.findings.first()
		}
		time.Sleep(50 * time.Millisecond)
	}
	return ctx.Err()
}
