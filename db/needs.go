package db

import (
	"regexp"
	"strconv"
)

// Baseline is the first schema whose programs know that a later schema may be good for them. A
// migration after it that says nothing else only adds: programs of Baseline work on it.
const Baseline = 46

var oldestLine = regexp.MustCompile(`(?m)^-- chaveiro: oldest (\d+)$`)

// Oldest returns the schema that a program must know at least to work on the database after a
// migration. The text of the migration says so in a line of its own, `-- chaveiro: oldest 52`,
// unless it only adds.
func Oldest(text []byte) int64 {
	found := oldestLine.FindSubmatch(text)
	if found == nil {
		return Baseline
	}
	oldest, err := strconv.ParseInt(string(found[1]), 10, 64)
	if err != nil {
		return 1<<63 - 1 // no program knows that
	}
	return max(oldest, Baseline)
}
