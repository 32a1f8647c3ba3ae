package docs

import (
	"strconv"
	"strings"
)

// takesGzip reports whether a client with these Accept-Encoding fields takes gzip (RFC 9110,
// section 12.5.3): when it names it, or else "*", with a weight above zero. Weights are not
// compared: gzip always wins over the plain bytes.
func takesGzip(fields []string) bool {
	var any bool
	for entry := range strings.SplitSeq(strings.Join(fields, ","), ",") {
		coding, parameters, _ := strings.Cut(entry, ";")
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			return positive(parameters)
		case "*":
			any = positive(parameters)
		}
	}
	return any
}

// positive reports whether the weight of an entry, "q=0.5", is more than zero. None means 1.
func positive(parameters string) bool {
	name, value, found := strings.Cut(strings.TrimSpace(parameters), "=")
	if !found || !strings.EqualFold(strings.TrimSpace(name), "q") {
		return true
	}
	weight, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	return err == nil && weight > 0
}
