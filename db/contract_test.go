package db_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/db"
)

// contracting finds what takes away something that an earlier program uses, or refuses what it
// writes.
var contracting = map[string]*regexp.Regexp{
	"drops a column":        regexp.MustCompile(`(?i)\bDROP COLUMN\b`),
	"drops a table":         regexp.MustCompile(`(?i)\bDROP TABLE (?:IF EXISTS )?(\w+)`),
	"drops a default":       regexp.MustCompile(`(?i)\bDROP DEFAULT\b`),
	"renames":               regexp.MustCompile(`(?i)\bRENAME (?:COLUMN|CONSTRAINT|TO)\b`),
	"changes a type":        regexp.MustCompile(`(?i)\bALTER COLUMN \w+ (?:SET DATA )?TYPE\b`),
	"forbids NULL":          regexp.MustCompile(`(?i)\bSET NOT NULL\b`),
	"adds a constraint":     regexp.MustCompile(`(?i)\bALTER TABLE (\w+)[^;]*?\bADD (?:CONSTRAINT|CHECK|FOREIGN|PRIMARY|UNIQUE|EXCLUDE)\b`),
	"adds a unique index":   regexp.MustCompile(`(?i)\bCREATE UNIQUE INDEX (?:CONCURRENTLY )?(?:IF NOT EXISTS )?\w+ ON (\w+)`),
	"adds a trigger":        regexp.MustCompile(`(?i)\bCREATE (?:OR REPLACE )?(?:CONSTRAINT )?TRIGGER\b`),
	"adds a column of rows": regexp.MustCompile(`(?i)\bADD COLUMN (?:IF NOT EXISTS )?\w+ [^,;]*\b(?:CHECK|UNIQUE|REFERENCES)\b`),
}

var (
	created  = regexp.MustCompile(`(?i)\bCREATE TABLE (?:IF NOT EXISTS )?(\w+)`)
	newField = regexp.MustCompile(`(?i)\bADD COLUMN (?:IF NOT EXISTS )?\w+ [^,;]*`)
	plain    = regexp.MustCompile(`(?i)\bCREATE (?:UNIQUE )?INDEX (\w+) ON (\w+)`)
	online   = regexp.MustCompile(`(?i)\bCREATE (?:UNIQUE )?INDEX CONCURRENTLY (\w+)`)
	comments = regexp.MustCompile(`--[^\n]*`)
)

// up is the part of a migration that is applied, without comments.
func up(text string) string {
	part, _, _ := strings.Cut(text, "-- +goose Down")
	return comments.ReplaceAllString(part, "")
}

// contracts says what of a migration an earlier program can't live with.
func contracts(text string) (found []string) {
	part, own := up(text), map[string]bool{}
	for _, match := range created.FindAllStringSubmatch(part, -1) {
		own[match[1]] = true
	}
	for what, pattern := range contracting {
		for _, match := range pattern.FindAllStringSubmatch(part, -1) {
			if len(match) < 2 || !own[match[1]] {
				found = append(found, what)
			}
		}
	}
	for _, field := range newField.FindAllString(part, -1) {
		if upper := strings.ToUpper(field); strings.Contains(upper, "NOT NULL") && !strings.Contains(upper, "DEFAULT") {
			found = append(found, "adds a column that must be given")
		}
	}
	return found
}

// blocks says what of a migration of PostgreSQL keeps writers of a table with rows waiting.
func blocks(text string) (found []string) {
	part, own := up(text), map[string]bool{}
	for _, match := range created.FindAllStringSubmatch(part, -1) {
		own[match[1]] = true
	}
	for _, match := range plain.FindAllStringSubmatch(part, -1) {
		if !own[match[2]] {
			found = append(found, match[1]+" is not built CONCURRENTLY")
		}
	}
	for _, match := range online.FindAllStringSubmatch(part, -1) {
		if !strings.Contains(part, "DROP INDEX CONCURRENTLY IF EXISTS "+match[1]+";") {
			found = append(found, match[1]+" may be left half built by an earlier try, and is not dropped first")
		}
		if !strings.Contains(text, "-- +goose NO TRANSACTION") || !strings.Contains(part, "SET lock_timeout = 0;") {
			found = append(found, match[1]+" needs NO TRANSACTION, and SET lock_timeout = 0")
		}
	}
	return found
}

// TestMigrations_Contract: a migration that an earlier program can't live with says which program
// can, the same on both databases, and none keeps writers waiting for long.
func TestMigrations_Contract(t *testing.T) {
	t.Parallel()
	for _, name := range migrations(t, "postgres") {
		n, err := strconv.ParseInt(number(name), 10, 64)
		if err != nil || n <= db.Baseline {
			continue
		}
		text := map[string]string{}
		for _, database := range []string{"postgres", "sqlite"} {
			content, err := db.Migrations.ReadFile("migrations/" + database + "/" + name)
			if err != nil {
				t.Fatal(err)
			}
			text[database] = string(content)
		}
		oldest := db.Oldest([]byte(text["postgres"]))
		if other := db.Oldest([]byte(text["sqlite"])); other != oldest {
			t.Errorf("%s needs programs of schema %d on PostgreSQL, and of %d on SQLite", name, oldest, other)
		}
		if oldest > n {
			t.Errorf("%s needs programs of schema %d, which is later than itself", name, oldest)
		}
		if found := contracts(text["postgres"]); len(found) > 0 && oldest == db.Baseline {
			t.Errorf("%s %s: say which programs can live with that, `-- chaveiro: oldest N`", name, strings.Join(found, ", "))
		}
		for _, fault := range blocks(text["postgres"]) {
			t.Errorf("%s: %s", name, fault)
		}
	}
}

// TestContracts: what is for whom.
func TestContracts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"CREATE TABLE a (b bigint NOT NULL); CREATE UNIQUE INDEX c ON a (b);": false,
		"ALTER TABLE a ADD COLUMN b text NOT NULL DEFAULT '';":                false,
		"ALTER TABLE a ADD COLUMN b text;":                                    false,
		"-- DROP COLUMN\nCREATE INDEX c ON a (b);":                            false,
		"ALTER TABLE a ALTER COLUMN b DROP NOT NULL;":                         false,
		"CREATE TABLE a (b text);\n-- +goose Down\nDROP TABLE z;":             false,
		"ALTER TABLE a ADD COLUMN b text NOT NULL;":                           true,
		"alter table a drop column b;":                                        true,
		"ALTER TABLE a RENAME COLUMN b TO c;":                                 true,
		"ALTER TABLE a RENAME TO b;":                                          true,
		"ALTER TABLE a ALTER COLUMN b SET NOT NULL;":                          true,
		"ALTER TABLE a ALTER COLUMN b DROP DEFAULT;":                          true,
		"ALTER TABLE a ALTER COLUMN b TYPE bigint;":                           true,
		"ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0);":                       true,
		"ALTER TABLE a ADD COLUMN b text CHECK (b <> '');":                    true,
		"DROP TABLE a;": true,
		"CREATE UNIQUE INDEX CONCURRENTLY c ON a (b);":                          true,
		"CREATE TABLE z (b text); ALTER TABLE a ADD CHECK (b > 0);":             true,
		"CREATE TRIGGER c BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()": true,
	} {
		if got := contracts(text); len(got) > 0 != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	for text, want := range map[string]int{
		"CREATE TABLE a (b text); CREATE INDEX c ON a (b);": 0,
		"CREATE INDEX c ON a (b);":                          1,
		"CREATE INDEX CONCURRENTLY c ON a (b);":             2,
		"-- +goose NO TRANSACTION\nSET lock_timeout = 0; DROP INDEX CONCURRENTLY IF EXISTS c; CREATE INDEX CONCURRENTLY c ON a (b);": 0,
	} {
		if got := blocks(text); len(got) != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	for text, want := range map[string]int64{
		"": db.Baseline, "-- chaveiro: oldest 51\n": 51, "-- chaveiro: oldest 1": db.Baseline,
		"-- chaveiro: oldest 99999999999999999999": 1<<63 - 1,
	} {
		if got := db.Oldest([]byte(text)); got != want {
			t.Errorf("%q: %d", text, got)
		}
	}
}
