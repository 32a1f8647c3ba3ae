package audit

import (
	"net/netip"
	"time"
)

// Prefixes writes networks in the form of the audit.
func Prefixes(list []netip.Prefix) []string {
	texts := make([]string, len(list))
	for i, prefix := range list {
		texts[i] = prefix.String()
	}
	return texts
}

// Moment writes a time as precisely as it is stored; nil when there is none.
func Moment(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
}
