package deploy_test

import (
	"regexp"
	"strings"
	"testing"
)

// TestRules: promtool takes the rules, and each alert fires where the files of tests say that it
// does, and not otherwise.
func TestRules(t *testing.T) {
	t.Parallel()
	run(t, "", "prometheus", "promtool", "check", "rules", "chaveiro.rules.yml")
	run(t, "", "prometheus", "promtool", "test", "rules", "chaveiro.rules.test.yml", "chaveiro.growth.test.yml")
}

// TestRules_Whole: each alert has a test in which it fires, a severity, and a section in the
// document, and the document has no other.
func TestRules_Whole(t *testing.T) {
	t.Parallel()
	tests := read(t, "prometheus/chaveiro.rules.test.yml") + read(t, "prometheus/chaveiro.growth.test.yml")
	document := read(t, "../docs/alerts.md")
	written := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^### (\w+)$`).FindAllStringSubmatch(document, -1) {
		written["#"+strings.ToLower(heading[1])] = true
	}
	linked := map[string]bool{}
	for _, r := range rules(t) {
		fires := `labels: 'ALERTS{alertname="` + r.Alert + `",alertstate="firing"`
		if !strings.Contains(tests, fires) && !strings.Contains(tests, "alertname: "+r.Alert+"\n") {
			t.Errorf("no test lets %s fire", r.Alert)
		}
		if severity := r.Labels["severity"]; severity != "critical" && severity != "warning" {
			t.Errorf("%s has the severity %q", r.Alert, severity)
		}
		_, anchor, _ := strings.Cut(r.Annotations["runbook_url"], "/docs/alerts.md")
		if linked[anchor] = true; !written[anchor] {
			t.Errorf("docs/alerts.md has no section for %s: %q", r.Alert, anchor)
		}
		if !strings.Contains(document, "`"+r.Alert+"`") && !written["#"+strings.ToLower(r.Alert)] {
			t.Errorf("docs/alerts.md does not name %s", r.Alert)
		}
	}
	for anchor := range written {
		if !linked[anchor] {
			t.Errorf("docs/alerts.md has the section %s, of no alert", anchor)
		}
	}
}
