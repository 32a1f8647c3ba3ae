package api

import (
	"encoding/json"
	"regexp"
	"strconv"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// isoDuration is an ISO 8601 duration of units that always have the same length.
var isoDuration = regexp.MustCompile(`^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$`)

var isoUnits = []time.Duration{7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second}

// maxUnits bounds each number of a duration, so that the sum can't overflow.
const maxUnits = 10_000

// parseDuration reads a duration such as P30D, or 0 as a text or a number. It is nil for null and
// for an empty text. longest is the longest duration that the field may have, for the message.
func parseDuration(field string, value any, longest string) (*time.Duration, error) {
	var d time.Duration
	switch v := value.(type) {
	case nil:
		return nil, nil
	case string:
		if v == "" {
			return nil, nil
		}
		if isoLength(v, &d) {
			return &d, nil
		}
	case float64:
		if v == 0 {
			return &d, nil
		}
	case json.Number:
		if v == "0" {
			return &d, nil
		}
	}
	return nil, domain.Fault(domain.Invalid, field, domain.ReasonDuration, longest)
}

func isoLength(text string, d *time.Duration) bool {
	if text == "0" {
		return true
	}
	parts := isoDuration.FindStringSubmatch(text)
	if parts == nil || text == "P" || text[len(text)-1] == 'T' {
		return false
	}
	for i, unit := range isoUnits {
		if parts[i+1] == "" {
			continue
		}
		n, err := strconv.Atoi(parts[i+1])
		if err != nil || n > maxUnits && unit > time.Minute {
			return false
		}
		if n > 1_000_000_000 {
			return false
		}
		*d += time.Duration(n) * unit
	}
	return true
}
