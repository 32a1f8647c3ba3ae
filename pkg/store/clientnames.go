package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// manyNames is how many names make the beginning of a name common.
const manyNames = 10000

var countNames = fmt.Sprintf(
	"SELECT count(*) FROM (SELECT 1 FROM clients WHERE name_key >= ? AND name_key < ? LIMIT %d)", manyNames,
)

// manyBegin reports whether the names of many clients, of any kind, begin as the filter says.
// SQLite would read and sort all of them for each page; among so many a scan by id soon finds a
// page. PostgreSQL chooses by its statistics.
func (r clients) manyBegin(ctx context.Context, f domain.ClientFilter) (bool, error) {
	prefix, _, wild := strings.Cut(domain.NameKey(f.Name), "*")
	if r.s.engine == Postgres || !wild || prefix == "" || !storable(prefix) {
		return false, nil
	}
	var n int
	err := scan(ctx, r.s.read, []any{&n}, countNames, prefix, afterAll(prefix))
	return n == manyNames, err
}

// afterAll is a text after all that begin with a prefix.
func afterAll(prefix string) string { return prefix + "\U0010FFFF" }

// likeEscapes escapes the characters that mean something to LIKE, and turns `*` into its wildcard.
var likeEscapes = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`, `*`, `%`)

// restrictName adds the condition on the name. Unless the text before the first `*` is common, it
// is also written as a range of names, which the index on names serves. The list is lean, because
// each index that such a list is read from has the name.
func (l *listing) restrictName(pattern string, common bool) {
	prefix, _, wild := strings.Cut(pattern, "*")
	switch {
	case !storable(pattern):
		l.restrict("1 = 0")
		return
	case !wild:
		l.restrict("name_key = ?", pattern)
		return
	case prefix != "" && !common:
		l.restrict("name_key >= ? AND name_key < ?", prefix, afterAll(prefix))
	}
	l.restrict(`name_key LIKE ? ESCAPE '\'`, likeEscapes.Replace(pattern))
	l.lean = true
}
