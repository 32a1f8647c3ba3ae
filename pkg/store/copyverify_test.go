package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/store"
	"github.com/chaveiro/chaveiro/pkg/store/storetest"
)

// alterations change a row while it is written, as a fault of the target would.
var alterations = map[string][]string{
	"sqlite": {
		`CREATE TRIGGER altered AFTER INSERT ON certificates WHEN new.key_protected
			BEGIN UPDATE certificates SET sealed_key = x'00' WHERE id = new.id; END`,
	},
	"postgres": {
		`CREATE FUNCTION altered() RETURNS trigger LANGUAGE plpgsql AS
			$$ BEGIN IF new.key_protected THEN new.sealed_key := '\x00'; END IF; RETURN new; END $$`,
		`CREATE TRIGGER altered BEFORE INSERT ON certificates FOR EACH ROW EXECUTE FUNCTION altered()`,
	},
}

// TestCopy_FindsAnAlteredRow: a row of the target that is not that of the source is found before
// the copy is committed, and the target stays new.
func TestCopy_FindsAnAlteredRow(t *testing.T) {
	t.Parallel()
	source := newSQLite(t)
	use(t, source, func(s *store.Store) { storetest.Fill(t, s) })
	for engine, target := range map[string]string{"sqlite": newSQLite(t), "postgres": postgresURL(t)} {
		use(t, target, func(s *store.Store) {
			for _, one := range alterations[engine] {
				statement(t, s, one)
			}
		})
		_, err := store.Copy(t.Context(), source, target, time.Now(), nil)
		if err == nil || !strings.Contains(err.Error(), "the table certificates is not the same") {
			t.Errorf("%s: error %v", engine, err)
		}
		use(t, target, func(s *store.Store) {
			statement(t, s, map[string]string{
				"sqlite": "DROP TRIGGER altered", "postgres": "DROP TRIGGER altered ON certificates",
			}[engine])
		})
		copyAll(t, source, target) // it is as new as before
	}
}

// TestCopy_Progress: each row is counted when it is copied and when it is read back.
func TestCopy_Progress(t *testing.T) {
	t.Parallel()
	source := newSQLite(t)
	use(t, source, func(s *store.Store) {
		statement(t, s, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
			INSERT INTO secrets (name, sealed) SELECT 's' || i, x'00' FROM n`)
	})
	var last store.CopyProgress
	steps := map[string]int{}
	_, err := store.Copy(t.Context(), source, newSQLite(t), time.Now(), func(p store.CopyProgress) {
		if p.Done <= last.Done || p.Done > p.Total || p.Total < 10000 {
			t.Errorf("%+v after %+v", p, last)
		}
		last = p
		steps[p.Step+" "+p.Table]++
	})
	if err != nil || steps["copying secrets"] < 4 || steps["checking secrets"] < 4 {
		t.Errorf("%v, %v", steps, err)
	}
}
