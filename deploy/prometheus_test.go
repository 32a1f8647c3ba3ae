package deploy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// patience is how long the data of all queries may take. The certificates are counted every ten
// seconds.
const patience = 60 * time.Second

// TestPrometheus: Prometheus, which scrapes a server and an agent that work, has data for each
// query of the dashboard and for each metric that an alert looks at. No alert fires. A metric that
// gets another name fails here.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := startPrometheus(t, s)
	waiting := questions(t)
	for begin := time.Now(); ; time.Sleep(500 * time.Millisecond) {
		s.work(t)
		waiting = slices.DeleteFunc(waiting, func(q question) bool { return p.answers(t, q.expr) })
		if len(waiting) == 0 {
			t.Logf("all queries have data after %s", time.Since(begin))
			break
		}
		if time.Since(begin) > patience {
			for _, q := range waiting {
				t.Errorf("%s: no data for %s", q.what, q.expr)
			}
			break
		}
	}
	p.checkRules(t)
	for name, url := range map[string]string{"the server": s.server.URL + "/metrics", "the agent": s.agentURL} {
		t.Run(name, func(t *testing.T) { checkMetrics(t, fetch(t, url)) })
	}
}

// emptyWhenWell are what alerts look at and what is not there while all is well, and why.
var emptyWhenWell = map[string]string{
	"chaveiro_tls_certificate_expires_seconds":                    "the server of the test speaks plain HTTP",
	`chaveiro_http_request_duration_seconds_count{status=~"5.."}`: "no request fails",
	`chaveiro_ocsp_requests_total{status="try_later"}`:            "OCSP answers",
	"chaveiro_key_store_token_expires_timestamp_seconds":          "no key store is configured",
	"chaveiro_key_store_token_life_seconds":                       "no key store is configured",
}

// question is an expression that has to have data.
type question struct{ what, expr string }

// variables are what the dashboard is looked at with.
var variables = strings.NewReplacer(
	"$job", "chaveiro", "$instance", ".*", "$agent", "chaveiro-agent", "$__rate_interval", "10s",
)

var (
	selector    = regexp.MustCompile(`\b(?:chaveiro_\w+|process_\w+|go_\w+|up)(?:\{[^}]*\})?`)
	labelValues = regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)
)

func questions(t *testing.T) (all []question) {
	t.Helper()
	d := readDashboard(t)
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			all = append(all, question{p.Title, variables.Replace(target.Expr)})
		}
	}
	for _, v := range d.Templating.List {
		if m := labelValues.FindStringSubmatch(v.Definition); m != nil {
			all = append(all, question{"the variable " + v.Name, fmt.Sprintf(`count by (%s) (%s)`, m[2], variables.Replace(m[1]))})
		} else if v.Type != "datasource" {
			t.Errorf("the variable %s is %q", v.Name, v.Definition)
		}
	}
	for _, expr := range figures {
		all = append(all, question{"what was done", expr})
	}
	for _, r := range rules(t) {
		for _, one := range selector.FindAllString(r.Expr, -1) {
			if emptyWhenWell[one] == "" {
				all = append(all, question{r.Alert, "count(" + one + ")"})
			}
		}
	}
	return all
}

// prometheus is one that runs.
type prometheus struct{ url string }

// answers reports whether a query has data.
func (p prometheus) answers(t *testing.T, expr string) bool {
	t.Helper()
	var found struct{ Result []any }
	p.get(t, "/api/v1/query?query="+url.QueryEscape(expr), &found)
	return len(found.Result) > 0
}

func (p prometheus) get(t *testing.T, path string, data any) {
	t.Helper()
	var answer struct {
		Status, Error string
		Data          json.RawMessage
	}
	err := json.Unmarshal([]byte(fetch(t, p.url+path)), &answer)
	if err == nil && answer.Status == "success" {
		err = json.Unmarshal(answer.Data, data)
	}
	if err != nil || answer.Status != "success" {
		t.Fatalf("%s: %s %s %v", path, answer.Status, answer.Error, err)
	}
}

// checkRules checks that Prometheus has evaluated each alert, and that none fires.
func (p prometheus) checkRules(t *testing.T) {
	t.Helper()
	var found struct {
		Groups []struct {
			Rules []struct{ Name, State, Health, LastError string }
		}
	}
	p.get(t, "/api/v1/rules", &found)
	known := 0
	for _, group := range found.Groups {
		for _, r := range group.Rules {
			if known++; r.Health != "ok" || r.State == "firing" {
				t.Errorf("%s is %s, %s: %s", r.Name, r.Health, r.State, r.LastError)
			}
		}
	}
	if want := len(rules(t)); known != want {
		t.Errorf("Prometheus knows %d alerts, not %d", known, want)
	}
}

// checkMetrics checks that promtool finds nothing to complain of in metrics, and that the documents
// have each of them.
func checkMetrics(t *testing.T, text string) {
	t.Helper()
	run(t, text, ".", "promtool", "check", "metrics")
	documents := read(t, "../docs/operations.md") + read(t, "../docs/gateway.md")
	own := regexp.MustCompile(`(?m)^# TYPE (chaveiro_\w+) `).FindAllStringSubmatch(text, -1)
	for _, m := range own {
		if !strings.Contains(documents, "| `"+m[1]+"`") {
			t.Errorf("the documents do not have %s", m[1])
		}
	}
	if len(own) == 0 {
		t.Error("there are no metrics")
	}
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	body, err := get(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// status is an answer that is not 200.
type status int

// Error implements error.
func (s status) Error() string { return http.StatusText(int(s)) }
