package wiretest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Transcript runs the steps of a file against a server, one after the other. A step is a request
// and the expected answer:
//
//	# A line that begins with a hash is a comment.
//	> POST /api/openvpn/cas
//	> Accept-Language: en
//	{"name": "ca-matriz", "email": "ca@empresa.com.br"}
//	< 200
//	< Content-Type: application/json
//	{"id": "<id:ca>", "name": "ca-matriz", "created_at": "<date>", …}
//
// The request is made as superuser unless it has an Authorization header of its own; an empty one
// is not sent. Content-Type is application/json if there is a body. A form is sent without its
// final line feed. The answer's status and whole body must be as written: JSON is compared member
// by member, whatever its layout; where no body is written there must be none. Only the headers
// that are written are compared; one that is written without a value must be absent.
//
// Placeholders in an expected answer: <any>, <id> (a positive integer), <text> (not empty),
// <masked> (a token) and <date>. <id:ca> keeps what it matched, and from then on <ca> stands for
// that, wherever it is written. A body of the form `!name arguments` is passed to the Check of that
// name. A body behind `!text` is text, which is compared as it is, apart from white space around
// it.
type Transcript struct {
	Server *Server
	Vars   map[string]string
	Checks map[string]func(body []byte, arguments []string) error
}

// step is one exchange. Expectations are kept as they are written, because the values of variables
// are known only when the step runs.
type step struct {
	line                   int
	method, path           string
	status                 int
	headers, wantedHeaders [][2]string
	body, wantedBody       string
}

// Run runs a file. It continues after a step that failed.
func (r *Transcript) Run(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := parseSteps(string(text))
	if err != nil {
		t.Fatalf("%s:%v", file, err)
	}
	for _, s := range steps {
		if err := r.play(t, s); err != nil {
			t.Errorf("%s:%d: %s %s: %v", file, s.line, s.method, s.path, err)
		}
	}
}

func parseSteps(text string) ([]step, error) {
	var steps []step
	var s *step
	for number, line := range strings.Split(text, "\n") {
		sign, rest, _ := strings.Cut(line, " ")
		switch {
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
		case sign == ">" && (s == nil || s.status != 0):
			method, path, found := strings.Cut(rest, " ")
			if !found {
				return nil, fmt.Errorf("%d: no method and path", number+1)
			}
			steps = append(steps, step{line: number + 1, method: method, path: path})
			s = &steps[len(steps)-1]
		case s == nil:
			return nil, fmt.Errorf("%d: text before the first request", number+1)
		case sign == ">":
			s.headers = append(s.headers, parseHeader(rest))
		case sign == "<" && s.status == 0:
			status, err := strconv.Atoi(rest)
			if err != nil {
				return nil, fmt.Errorf("%d: no status", number+1)
			}
			s.status = status
		case sign == "<":
			s.wantedHeaders = append(s.wantedHeaders, parseHeader(rest))
		case s.status == 0:
			s.body += line + "\n"
		default:
			s.wantedBody += line + "\n"
		}
	}
	if s == nil || s.status == 0 {
		return nil, fmt.Errorf("%d: the file ends without an answer", strings.Count(text, "\n"))
	}
	return steps, nil
}

func parseHeader(line string) [2]string {
	name, value, _ := strings.Cut(line, ":")
	return [2]string{name, strings.TrimSpace(value)}
}

func (r *Transcript) play(t *testing.T, s step) error {
	request, err := r.request(t, s)
	if err != nil {
		return err
	}
	response, err := r.Server.HTTP.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != s.status {
		return fmt.Errorf("status %d, not %d\n%s", response.StatusCode, s.status, body)
	}
	for _, wanted := range s.wantedHeaders {
		if err := r.matchHeader(response.Header.Values(wanted[0]), wanted[1]); err != nil {
			return fmt.Errorf("header %s: %w", wanted[0], err)
		}
	}
	return r.matchBody(body, strings.TrimSpace(s.wantedBody))
}

func (r *Transcript) request(t *testing.T, s step) (*http.Request, error) {
	path, err := r.fill(s.path, false)
	if err != nil {
		return nil, err
	}
	body, err := r.fill(s.body, true)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(
		s.headers, func(h [2]string) bool { return strings.HasPrefix(h[1], "application/x-www-form-urlencoded") },
	) {
		body = strings.TrimSuffix(body, "\n")
	}
	request, err := http.NewRequestWithContext(t.Context(), s.method, r.Server.URL+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+r.Server.Token)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for _, header := range s.headers {
		value, err := r.fill(header[1], false)
		if err != nil {
			return nil, err
		}
		request.Header.Set(header[0], value)
		if value == "" {
			request.Header.Del(header[0])
		}
	}
	return request, nil
}

var (
	variable    = regexp.MustCompile(`<([A-Za-z]\w*)>`)
	placeholder = regexp.MustCompile(`<(any|id|text|masked|date)(?::(\w+))?>`)
)

// fill replaces variables by their values, which are escaped inside of JSON. Placeholders stay.
func (r *Transcript) fill(text string, escaped bool) (string, error) {
	var err error
	filled := variable.ReplaceAllStringFunc(text, func(match string) string {
		value, known := r.Vars[strings.Trim(match, "<>")]
		switch {
		case placeholder.MatchString(match):
			return match
		case !known:
			err = fmt.Errorf("%s stands for nothing", match)
		case escaped:
			quoted, _ := json.Marshal(value) // a string can always be encoded
			return string(quoted[1 : len(quoted)-1])
		}
		return value
	})
	return filled, err
}
