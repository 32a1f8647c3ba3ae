package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// plannedAnew are the statements that were planned for values more often than the five times after
// which PostgreSQL decides whether a plan for all values is as good.
const plannedAnew = `SELECT statement FROM pg_prepared_statements WHERE custom_plans > 5`

// TestPostgres_Page_PlannedOnce: no page is planned anew.
func TestPostgres_Page_PlannedOnce(t *testing.T) {
	t.Parallel()
	s := filled(t, postgresURL(t)+"&pool_max_conns=1", networkFillers)
	end := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, cursor := range []int64{0, plannedRows / 2} {
		page := domain.PageRequest{Cursor: cursor, Size: 15}
		for range 10 {
			for _, f := range []domain.ClientFilter{
				{}, {CAID: 1}, {InstanceID: 1}, {ByExpiry: true, ExpiresBefore: end},
				{ByExpiry: true, At: planTimes[1], Status: domain.StatusValid},
			} {
				if _, err := s.Clients().Page(t.Context(), f, page); err != nil {
					t.Fatal(err)
				}
			}
			for _, f := range []domain.CertificateFilter{{CAID: 1}, {ByExpiry: true, ExpiresBefore: end}} {
				if _, err := s.Certificates().Page(t.Context(), f, page); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	db, err := s.Reader()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(cells(t, db, 0, "SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%LIMIT 16%'")); n < 10 {
		t.Errorf("%d lists were prepared", n)
	}
	for _, statement := range slices.Sorted(slices.Values(cells(t, db, 0, plannedAnew))) {
		t.Error(statement)
	}
}
