package store_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// mostRevoked revokes all but one in a thousand.
var mostRevoked = []string{
	"UPDATE certificates SET revoked_at = created_at WHERE id % 1000 <> 0",
	"UPDATE clients SET revoked_at = created_at WHERE id % 1000 <> 0",
	"ANALYZE",
}

// TestPage_ByExpiry_AmongRevoked: the index on the end has those that are revoked too, so a page of
// those that are valid reads past all revoked ones before its end. So that filter is Wide; that of
// those that have ended, or of all, is not.
func TestPage_ByExpiry_AmongRevoked(t *testing.T) {
	t.Parallel()
	for name, location := range locations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := filled(t, location(t), map[store.Engine][]string{
				store.Postgres: slices.Concat(certificateFillers[store.Postgres], mostRevoked),
				store.SQLite:   slices.Concat(certificateFillers[store.SQLite], mostRevoked),
			})
			for _, status := range []domain.Status{domain.StatusAny, domain.StatusValid, domain.StatusExpired} {
				certificates := domain.CertificateFilter{ByExpiry: true, Status: status, At: planTimes[1]}
				clients := domain.ClientFilter{ByExpiry: true, Status: status, At: planTimes[1]}
				wide := status == domain.StatusValid
				if certificates.Wide() != wide || clients.Wide() != wide {
					t.Errorf("%q: certificates are wide: %t, clients: %t", status, certificates.Wide(), clients.Wide())
				}
				wantReadPast(t, s, "certificates_not_after", wide, func() error {
					_, err := s.Certificates().Page(t.Context(), certificates, domain.PageRequest{Size: 15})
					return err
				})
				wantReadPast(t, s, "clients_expires_at", wide, func() error {
					_, err := s.Clients().Page(t.Context(), clients, domain.PageRequest{Size: 15})
					return err
				})
			}
		})
	}
}

// wantReadPast checks that a page is read by an index, unless many rows are read that are not of
// the page; PostgreSQL counts them.
func wantReadPast(t *testing.T, s *store.Store, index string, many bool, page func() error) {
	t.Helper()
	var plans []string
	var queries []func()
	if err := s.OnQuery(func(query string, values []any) {
		queries = append(queries, func() { plans = append(plans, explain(t, s, query, values)) })
	}); err != nil {
		t.Fatal(err)
	}
	if err := page(); err != nil {
		t.Fatal(err)
	}
	for _, explained := range queries {
		explained()
	}
	plan := strings.Join(plans, "\n")
	removed := 0
	for _, number := range regexp.MustCompile(`Rows Removed by [A-Za-z ]+: (\d+)`).FindAllStringSubmatch(plan, -1) {
		n, _ := strconv.Atoi(number[1])
		removed += n
	}
	scans := s.Engine() == store.Postgres && many // it reads the table as a whole, and sorts
	if strings.Contains(plan, index) == scans || s.Engine() == store.Postgres && (removed > 1000) != many {
		t.Errorf("%d rows are passed over, want many: %t\n%s", removed, many, plan)
	}
}
