package ocsp

import (
	"strconv"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/pki"
)

// TestLabels: nobody makes labels by asking for ids that are of no CA, and a hundred CAs have one
// of their own.
func TestLabels(t *testing.T) {
	t.Parallel()
	l, seen := new(labels), map[string]bool{}
	for id := range int64(3 * maxLabels) {
		for _, outcome := range []pki.OCSPOutcome{pki.OCSPMalformed, pki.OCSPUnauthorized, pki.OCSPTryLater} {
			if label := l.of(id, outcome); label != noCA {
				t.Fatalf("CA %d, %s: %q", id, outcome, label)
			}
		}
	}
	for id := range int64(3 * maxLabels) {
		label := l.of(id, pki.OCSPGood)
		if seen[label] = true; label != strconv.FormatInt(id, 10) && label != otherCA {
			t.Errorf("CA %d is %q", id, label)
		}
	}
	if len(seen) != maxLabels+1 {
		t.Errorf("%d labels", len(seen))
	}
	if label := l.of(7, pki.OCSPTryLater); label != "7" {
		t.Errorf("a CA that is known is %q", label)
	}
}
