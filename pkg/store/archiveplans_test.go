package store_test

import (
	"regexp"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// TestArchive_Plans: what is due is found by the index of the ends, and each condition by an index:
// no part reads all certificates. Other tables are empty here, and may be read.
func TestArchive_Plans(t *testing.T) {
	t.Parallel()
	whole := regexp.MustCompile(`Seq Scan on (certificates|clients)|SCAN (t|n|certificates|clients)\b`)
	for engine, locate := range locations {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := filled(t, locate(t), certificateFillers)
			type asked struct {
				query  string
				values []any
			}
			var calls []asked
			if err := s.OnQuery(func(q string, v []any) { calls = append(calls, asked{q, v}) }); err != nil {
				t.Fatal(err)
			}
			for _, last := range []bool{false, true} {
				span := domain.ArchiveSpan{EndedBefore: planTimes[1], Last: last}
				from := domain.ArchiveKey{ID: 1, NotAfter: planTimes[0]}
				if _, _, err := s.Archive().Due(t.Context(), span, from, 50); err != nil {
					t.Fatal(err)
				}
			}
			if len(calls) != 4 {
				t.Fatalf("%d statements", len(calls))
			}
			for _, one := range calls {
				if plan := explain(t, s, one.query, one.values); whole.MatchString(plan) {
					t.Errorf("%s\n%s", one.query, plan)
				}
			}
		})
	}
}
