package ocsp

import (
	"strconv"
	"sync"

	"github.com/chaveiro/chaveiro/pkg/pki"
)

// maxLabels bounds the CAs that have a label of their own.
const maxLabels = 100

// The labels of those that have none: of further CAs, and of what may be no CA. Anybody may ask for
// any id.
const (
	otherCA = "other"
	noCA    = ""
)

// labels are those of the CAs of which a status was told.
type labels struct {
	mu    sync.Mutex // guards known, for a look-up
	known map[int64]string
}

// of returns the label of a request. An id is that of a CA when the CA has answered once.
func (l *labels) of(id int64, outcome pki.OCSPOutcome) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if label, ok := l.known[id]; ok {
		return label
	}
	switch outcome {
	case pki.OCSPGood, pki.OCSPRevoked, pki.OCSPUnknown:
	default:
		return noCA
	}
	if len(l.known) >= maxLabels {
		return otherCA
	}
	if l.known == nil {
		l.known = map[int64]string{}
	}
	l.known[id] = strconv.FormatInt(id, 10)
	return l.known[id]
}
