package store_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// certificateFillers insert a certificate for each client of fillers, and certificates before it
// for some. They end one an hour, in another order than they are made. One in thirty is
// revoked. The last thousand are not described.
var certificateFillers = map[store.Engine][]string{
	store.Postgres: append(
		fillers[store.Postgres][:2:2],
		fmt.Sprintf(fillCertificates, "'2026-01-01'::timestamptz + ((i * 7919) % 20000) * interval '1 hour'",
			"''::bytea", fmt.Sprintf("generate_series(1, %d) n(i)", plannedRows), "'2026-02-01'::timestamptz"),
		"UPDATE clients SET expires_at = t.not_after FROM certificates t WHERE t.client_id = clients.id",
		"ANALYZE",
	),
	store.SQLite: append(
		fillers[store.SQLite][:2:2],
		fmt.Sprintf(`WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i < %d) `, plannedRows)+
			fmt.Sprintf(fillCertificates, "datetime('2026-01-01', ((i * 7919) % 20000)||' hours')||'+00:00'", "x''", "n",
				"'2026-02-01'"),
		"UPDATE clients SET expires_at = t.not_after FROM certificates t WHERE t.client_id = clients.id",
	),
}

const fillCertificates = `INSERT INTO certificates (id, ca_id, client_id, kind, name, name_key, serial, fingerprint, key_algorithm, not_before, not_after,
	der, key_protected, superseded_at, revoked_at, reason, created_at)
	SELECT i, CASE WHEN i%%1000 = 0 THEN 3 WHEN i > 19000 THEN 4 ELSE 1+i%%2 END, i, 'client', 'site-'||i, 'site-'||i, 's'||i, CASE WHEN i <= 19000 THEN 'f'||i ELSE '' END, '', %[4]s, %[1]s,
	%[2]s, false, CASE WHEN i%%100 = 0 THEN %[4]s END, CASE WHEN i%%30 = 0 THEN %[4]s END, 4, %[4]s FROM %[3]s`

// question is something asked of the database, and a pattern of the index that answers it.
type question struct {
	what  string
	index string
	ask   func(*store.Store) error
}

// planTimes are times that few, half and nearly all of the certificates have reached.
var planTimes = []time.Time{
	time.Date(2026, time.January, 3, 0, 0, 0, 0, time.UTC), time.Date(2027, time.February, 20, 0, 0, 0, 0, time.UTC),
	time.Date(2028, time.April, 10, 0, 0, 0, 0, time.UTC),
}

func certificateQuestions(ctx context.Context) (all []question) {
	add := func(index string, filters ...domain.CertificateFilter) {
		for _, f := range filters {
			f.At = planTimes[1]
			for _, cursor := range []int64{0, plannedRows / 2, plannedRows} {
				all = append(all, question{fmt.Sprintf("%+v, cursor %d", f, cursor), index, func(s *store.Store) error {
					_, err := s.Certificates().Page(ctx, f, domain.PageRequest{Cursor: cursor, Size: 15})
					return err
				}})
			}
		}
	}
	add("certificates_pkey|INTEGER PRIMARY KEY", domain.CertificateFilter{})
	for _, caID := range []int64{1, 3, 4, 99} {
		add("certificates_ca_id", domain.CertificateFilter{CAID: caID})
	}
	add("certificates_client_id", domain.CertificateFilter{ClientID: 777}, domain.CertificateFilter{ClientID: 777, CAID: 2})
	for _, caID := range []int64{0, 1, 4} {
		add("certificates_name_key", domain.CertificateFilter{Name: "SITE-777", CAID: caID})
		add("certificates_serial", domain.CertificateFilter{Serials: []string{"s777", "s19999"}, CAID: caID})
		add("certificates_fingerprint", domain.CertificateFilter{Fingerprint: "f777", CAID: caID})
	}
	add("certificates_revoked", domain.CertificateFilter{Status: domain.StatusRevoked})
	add("certificates_not_after", domain.CertificateFilter{ByExpiry: true},
		domain.CertificateFilter{ByExpiry: true, Status: domain.StatusValid},
		domain.CertificateFilter{ByExpiry: true, Status: domain.StatusExpired})
	for _, at := range planTimes {
		add("certificates_not_after", domain.CertificateFilter{ByExpiry: true, ExpiresBefore: at},
			domain.CertificateFilter{ByExpiry: true, ExpiresAfter: at},
			domain.CertificateFilter{ByExpiry: true, ExpiresAfter: planTimes[0], ExpiresBefore: at})
	}
	return all
}

func clientQuestions(ctx context.Context) (all []question) {
	add := func(index string, filters ...domain.ClientFilter) {
		for _, f := range filters {
			f.At = planTimes[1]
			for _, cursor := range []int64{0, plannedRows / 2, plannedRows} {
				all = append(all, question{fmt.Sprintf("%+v, cursor %d", f, cursor), index, func(s *store.Store) error {
					_, err := s.Clients().Page(ctx, f, domain.PageRequest{Cursor: cursor, Size: 15})
					return err
				}})
			}
		}
	}
	add("certificates_serial", domain.ClientFilter{Serials: []string{"s777", "s19999"}},
		domain.ClientFilter{Serials: []string{"s777", "s19999"}, ByExpiry: true})
	add("clients_expires_at", domain.ClientFilter{ByExpiry: true},
		domain.ClientFilter{ByExpiry: true, Status: domain.StatusValid},
		domain.ClientFilter{ByExpiry: true, Status: domain.StatusExpired})
	for _, at := range planTimes {
		add("clients_expires_at", domain.ClientFilter{ByExpiry: true, ExpiresBefore: at},
			domain.ClientFilter{ByExpiry: true, ExpiresAfter: at})
	}
	return all
}

func lifeQuestions(ctx context.Context) []question {
	return []question{
		{"a name", "clients_held_name", func(s *store.Store) error {
			_, err := s.Clients().NameTaken(ctx, "site-777", planTimes[0])
			return err
		}},
		{"what a client has", "certificates_client_id", func(s *store.Store) error {
			_, err := s.Certificates().Standing(ctx, 777)
			return err
		}},
		{"the newest of a client", "certificates_client_id", func(s *store.Store) error {
			_, err := s.Certificates().OfClient(ctx, 777)
			return err
		}},
		{"a serial", "certificates_serial", func(s *store.Store) error {
			_, err := s.Certificates().OfSerial(ctx, 2, "s777")
			return err
		}},
		{"clients of serials", "certificates_serial", func(s *store.Store) error {
			_, err := s.Certificates().ClientsOf(ctx, 1, []string{"s777", "s778", "s779", "s19999"})
			return err
		}},
		{"what is superseded", "certificates_superseded", func(s *store.Store) error {
			_, err := s.Certificates().Superseded(ctx, planTimes[2], 15)
			return err
		}},
		{"what is not described", "certificates_fingerprint", func(s *store.Store) error {
			_, err := s.Certificates().Undescribed(ctx, 15)
			return err
		}},
	}
}

// TestCertificates_Plans: what is asked of certificates, and of clients by their certificates, is
// answered by one index, and by few rows of it, wherever they lie.
func TestCertificates_Plans(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	questions := slices.Concat(certificateQuestions(ctx), clientQuestions(ctx), lifeQuestions(ctx))
	for name, location := range locations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := filled(t, location(t), certificateFillers)
			type call struct {
				query  string
				values []any
			}
			var calls []call
			if err := s.OnQuery(func(q string, v []any) { calls = append(calls, call{q, v}) }); err != nil {
				t.Fatal(err)
			}
			for _, q := range questions {
				calls = nil
				if err := q.ask(s); err != nil {
					t.Fatal(err)
				}
				used := false
				for _, one := range calls {
					plan := explain(t, s, one.query, one.values)
					used = used || regexp.MustCompile(q.index).MatchString(plan)
					if !cheap(s.Engine(), plan) || twoBounds.MatchString(one.query) {
						t.Errorf("%s: %s %v\n%s", q.what, one.query, one.values, plan)
					}
				}
				if !used {
					t.Errorf("%s: not by %s: %v", q.what, q.index, calls)
				}
			}
		})
	}
}

// TestClients_Standing_Plan: a client is read with its certificates by two indexes.
func TestClients_Standing_Plan(t *testing.T) {
	t.Parallel()
	for name, location := range locations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := filled(t, location(t), certificateFillers)
			plan := explain(t, s, store.StandingQuery(s.Engine()), []any{777, 777})
			if regexp.MustCompile("Seq Scan|SCAN").MatchString(plan) || !strings.Contains(plan, "certificates_client_id") {
				t.Error(plan)
			}
		})
	}
}

// twoBounds finds two bounds of one side in one order, of which SQLite would use one for the index,
// and read all rows up to the other.
var twoBounds = regexp.MustCompile(
	`(not_after|expires_at), id\) >[^S]*(not_after|expires_at) >|(not_after|expires_at) >=?[^S]*(not_after|expires_at), id\) >|` +
		`(not_after|expires_at), id\) <[^S]*(not_after|expires_at) <|(not_after|expires_at) <=?[^S]*(not_after|expires_at), id\) <`,
)

// cheap reports whether a plan reads no table as a whole and hardly more rows than a page has. It
// may sort a few.
func cheap(engine store.Engine, plan string) bool {
	if engine == store.SQLite {
		plan = regexp.MustCompile("SCAN [a-z]+ USING INDEX (certificates_not_after|clients_expires_at)").
			ReplaceAllString(plan, "") // in order, as far as the page needs
		few := strings.Contains(plan, "certificates_serial") || strings.Contains(plan, "certificates_fingerprint")
		return !strings.Contains(plan, "SCAN") && (few || !strings.Contains(plan, "TEMP B-TREE"))
	}
	for _, number := range regexp.MustCompile(`(?:actual rows=|Rows Removed by [A-Za-z ]+: )(\d+)`).
		FindAllStringSubmatch(plan, -1) {
		if rows, err := strconv.Atoi(number[1]); err != nil || rows > 60 {
			return false
		}
	}
	return strings.Contains(plan, "actual rows=") && !strings.Contains(plan, "Seq Scan")
}

// TestClients_Page_RenewedMeanwhile: a client that is renewed while a page by expiry is read does
// not take the page's cursors with it to its new place.
func TestClients_Page_RenewedMeanwhile(t *testing.T) {
	t.Parallel()
	s := filled(t, sqliteFile(t), certificateFillers)
	filter, size := domain.ClientFilter{ByExpiry: true, At: planTimes[1]}, 15
	page := func(cursor int64) domain.Page[domain.Client] {
		t.Helper()
		found, err := s.Clients().Page(t.Context(), filter, domain.PageRequest{Cursor: cursor, Size: size})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	second := page(*page(0).Next)
	third := page(*second.Next)
	want := [2]int64{*third.Next, *third.Previous}
	renewed := []domain.Client{third.Items[size-1], page(0).Items[size-1]}
	if err := s.OnQuery(func(query string, _ []any) {
		if !strings.Contains(query, "FROM clients") {
			return
		}
		for _, c := range renewed {
			cert := domain.Certificate{
				CAID: c.CAID, ClientID: c.ID, Kind: domain.CertificateOfClient, Serial: "next of " + c.Serial + c.Name,
				NotBefore: c.ExpiresAt, NotAfter: planTimes[2].AddDate(9, 0, 0), CreatedAt: c.ExpiresAt, DER: []byte{0},
			}
			if err := s.Certificates().Create(t.Context(), &cert); err != nil {
				t.Error(err)
			}
			c.Take(cert)
			if err := s.Clients().Renew(t.Context(), c); err != nil {
				t.Error(err)
			}
		}
		renewed = nil
	}); err != nil {
		t.Fatal(err)
	}
	if again := page(*second.Next); [2]int64{*again.Next, *again.Previous} != want || renewed != nil {
		t.Errorf("next is %d and previous %d, want %v", *again.Next, *again.Previous, want)
	}
}
