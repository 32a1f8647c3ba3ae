package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// TestRegister: a record is as it was answered, or as a change that is unknown and not too old.
func TestRegister(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	r := &register{path: "/x", last: object{"a": "1"}}
	r.maybe = append(r.maybe, change{begun, object{"a": "2"}})
	for value, fine := range map[string]bool{"1": true, "2": true, "3": false} {
		if err := r.explain(object{"a": value, "b": "whatever"}); (err == nil) != fine {
			t.Errorf("%s: %v", value, err)
		}
	}
	r.settle(change{begun.Add(lateness / 2), object{"a": "4"}})
	if r.explain(object{"a": "2"}) != nil || r.explain(object{"a": "1"}) == nil {
		t.Error("a change that was just sent may not happen any more, or one that was replaced may")
	}
	r.settle(change{begun.Add(2 * lateness), object{"a": "5"}})
	if r.explain(object{"a": "2"}) == nil {
		t.Error("a change may happen for ever")
	}
}

// TestOtherwise: each count that is left out is one of those that are there.
func TestOtherwise(t *testing.T) {
	t.Parallel()
	for _, what := range otherwise {
		if apptest.Halves[what] == "" && apptest.Unaudited[what] == "" {
			t.Errorf("there is no count of %s", what)
		}
	}
	if slices.Contains(otherwise, "serials that are there twice") {
		t.Error("serials may be there twice")
	}
}

// TestLogScan: a secret, a key and a panic in a log are found.
func TestLogScan(t *testing.T) {
	t.Parallel()
	l := &logScan{ledger: newLedger()}
	l.ledger.secrets = []string{"hunter2"}
	for log, fine := range map[string]bool{
		`{"msg":"fine"}` + "\n":                   true,
		`{"msg":"fine","token":"hunter2"}` + "\n": false,
		`{"key":"-----BEGIN PRIVATE KEY"}` + "\n": false,
		"panic: runtime error\n":                  false,
	} {
		if err := l.add(log); (err == nil) != fine {
			t.Errorf("%s: %v", strings.TrimSpace(log), err)
		}
	}
	if l.lines != 1 {
		t.Errorf("%d lines were looked at", l.lines)
	}
}

// TestFindings: the first one ends the campaign, and says at which fault.
func TestFindings(t *testing.T) {
	t.Parallel()
	c := &campaign{findings: newFindings()}
	if c.findings.first() != nil {
		t.Error("something was found")
	}
	c.findings.during("fault 3, kill")
	if c.find("%d are lost", 2) != wrong || c.find("more") != wrong {
		t.Error("a finding is not wrong")
	}
	select {
	case <-c.findings.ended:
	default:
		t.Error("the campaign goes on")
	}
	if text := c.findings.first().Error(); !strings.Contains(text, "at fault 3, kill: 2 are lost\n") {
		t.Error(text)
	}
}
