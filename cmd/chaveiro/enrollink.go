package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The bounds of what a server may answer.
const (
	maxProfile  = 1 << 20
	enrolWait   = time.Minute
	claimTries  = 3
	betweenTrys = 2 * time.Second
)

// enrolLink is a link of an enrolment. Its secret is never printed.
type enrolLink struct{ url string }

// invitation is what the server says of a link.
type invitation struct {
	Client      string `json:"client"`
	Instance    string `json:"instance"`
	PINRequired bool   `json:"pin_required"`
	State       string `json:"state"`
}

// look asks what the link is for.
func (l enrolLink) look(ctx context.Context) (found invitation, err error) {
	answer, err := l.ask(ctx, http.MethodGet, nil)
	if err == nil {
		err = json.Unmarshal(answer, &found)
	}
	return found, err
}

// claim sends the request and returns the profile. An answer that is lost is asked for again: the
// server gives the same one.
func (l enrolLink) claim(ctx context.Context, form url.Values) (profile []byte, err error) {
	for try := range claimTries {
		if try > 0 {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(betweenTrys):
			}
		}
		profile, err = l.ask(ctx, http.MethodPost, strings.NewReader(form.Encode()))
		if _, answered := errors.AsType[*codedError](err); err == nil || answered {
			return profile, err
		}
	}
	return nil, err
}

func (l enrolLink) ask(ctx context.Context, method string, body io.Reader) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, enrolWait)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, l.url, body)
	if err != nil {
		return nil, errors.New("the link can't be asked")
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Accept-Language", "en")
	if body != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(request)
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return nil, wrapped.Err // its text has the link
	}
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxProfile))
	if err != nil || answer.StatusCode == http.StatusOK {
		return content, err
	}
	return nil, refusal(answer.StatusCode, content)
}

// refusal is the error of an answer: a codedError for one that will not change.
func refusal(status int, content []byte) error {
	var told struct {
		Errors []string `json:"errors"`
		Fields []string `json:"fields"` // which field each error is of
	}
	if json.Unmarshal(content, &told) != nil || len(told.Errors) == 0 {
		told.Errors = []string{fmt.Sprintf("the server answers with status %d", status)}
	}
	text := strings.Join(told.Errors, " ")
	switch {
	case status == http.StatusNotFound:
		return notFound("%s", text)
	case slices.Contains(told.Fields, "pin"): // a password that is wrong
		return misuse("%s", text)
	case status < http.StatusInternalServerError:
		return refused("%s", text)
	}
	return errors.New(text)
}
