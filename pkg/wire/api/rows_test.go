package api_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
	"github.com/chaveiro/chaveiro/pkg/store"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// rowsOf returns all rows of all tables, with every column but the uses of apikeys, which every
// request may change.
func rowsOf(t testing.TB, s *wiretest.Server) map[string][]string {
	t.Helper()
	db := domaintest.Must(s.Storage.Store.SQL())(t)
	list := "SELECT name FROM sqlite_master WHERE type = 'table'"
	if s.Storage.Store.Engine() == store.Postgres {
		list = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
	}
	all := map[string][]string{}
	for _, table := range texts(t, domaintest.Must(db.QueryContext(t.Context(), list))(t)) {
		rows := texts(t, domaintest.Must(db.QueryContext(t.Context(), `SELECT * FROM "`+table+`"`))(t))
		slices.Sort(rows)
		all[table] = rows
	}
	if len(all) < 20 {
		t.Fatalf("%d tables", len(all))
	}
	return all
}

// texts writes each row of an answer as one text.
func texts(t testing.TB, rows *sql.Rows) []string {
	t.Helper()
	defer rows.Close()
	names := domaintest.Must(rows.Columns())(t)
	cells, places := make([]any, len(names)), make([]any, len(names))
	for i := range cells {
		places[i] = &cells[i]
	}
	var all []string
	for rows.Next() {
		domaintest.Check(t, rows.Scan(places...))
		var text strings.Builder
		for i, cell := range cells {
			if strings.HasPrefix(names[i], "last_used") {
				continue
			}
			if raw, ok := cell.([]byte); ok {
				cell = string(raw)
			}
			fmt.Fprintf(&text, "%v|", cell)
		}
		all = append(all, strings.TrimSuffix(text.String(), "|"))
	}
	domaintest.Check(t, rows.Err())
	return all
}
