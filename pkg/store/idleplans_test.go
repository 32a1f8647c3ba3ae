package store_test

import (
	"context"
	"regexp"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// idleQuestions are what a server asks again and again while nothing happens.
func idleQuestions(ctx context.Context) []question {
	hour := domain.EndingSpan{After: planTimes[1], AfterID: domain.MaxID, UpTo: planTimes[1].Add(time.Hour)}
	from := domain.CensusTimes{At: planTimes[0], Soon: planTimes[1]}
	to := domain.CensusTimes{At: from.At.Add(time.Hour), Soon: from.Soon.Add(time.Hour)}
	return []question{
		{"what ends soon", "clients_expires_at", func(s *store.Store) error {
			_, err := s.Events().Endings(ctx, domain.ScopeClients, 30, hour, 200)
			return err
		}},
		{"what ends soon of what is new", "certificates_pkey|INTEGER PRIMARY KEY", func(s *store.Store) error {
			_, _, err := s.Events().NewEndings(ctx, 30, plannedRows-10, hour, 200)
			return err
		}},
		{"the newest certificate", "certificates_pkey|SEARCH certificates", func(s *store.Store) error {
			_, _, err := s.Events().EndingLook(ctx, 30)
			return err
		}},
		{"what ends in an hour", "certificates_not_after", func(s *store.Store) error {
			_, err := s.Censuses().Passed(ctx, from, to)
			return err
		}},
		{"when the next one ends", "certificates_not_after", func(s *store.Store) error {
			_, err := s.Censuses().NextExpiry(ctx, 1, from.At)
			return err
		}},
		{"what is superseded", "certificates_superseded", func(s *store.Store) error {
			_, err := s.Certificates().Superseded(ctx, planTimes[0], 15)
			return err
		}},
		{"what is not described", "certificates_fingerprint", func(s *store.Store) error {
			_, err := s.Certificates().Undescribed(ctx, 15)
			return err
		}},
	}
}

// TestIdle_Plans: a server to which nothing happens reads no table of certificates, and of their
// indexes what has come since it asked last.
func TestIdle_Plans(t *testing.T) {
	t.Parallel()
	whole := regexp.MustCompile(`Seq Scan on (certificates|clients)|SCAN (t|r|certificates|clients)\b|actual rows=\d{3}`)
	for engine, locate := range locations {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := filled(t, locate(t), certificateFillers)
			var plans []string
			if err := s.OnQuery(func(q string, v []any) { plans = append(plans, q, explain(t, s, q, v)) }); err != nil {
				t.Fatal(err)
			}
			for _, q := range idleQuestions(t.Context()) {
				plans = nil
				if err := q.ask(s); err != nil {
					t.Fatal(err)
				}
				used := false
				for _, plan := range plans {
					used = used || regexp.MustCompile(q.index).MatchString(plan)
					if whole.MatchString(plan) {
						t.Errorf("%s: %s", q.what, plan)
					}
				}
				if !used {
					t.Errorf("%s: not by %s: %v", q.what, q.index, plans)
				}
			}
		})
	}
}
