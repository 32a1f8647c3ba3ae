package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// testDeadlines reads and writes with a context that has ended, outside of transactions and
// inside. The error is not a fault that a caller of the API can be told.
func testDeadlines(t *testing.T, s domain.Store) {
	for name, call := range calls() {
		t.Run(name, func(t *testing.T) {
			canceled, cancel := context.WithCancel(t.Context())
			cancel()
			late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
			defer cancel()
			for _, ended := range []context.Context{canceled, late} {
				outside := call(ended, s)
				inside := s.Transact(t.Context(), func(tx domain.Store) error { return call(ended, tx) })
				for _, err := range []error{outside, inside} {
					if err == nil || domain.Faults(err) != nil {
						t.Errorf("error is %v", err)
					}
				}
			}
		})
	}
}

// calls are reads and writes of every kind: one row, a page, a lock, many rows, an event.
func calls() map[string]func(ctx context.Context, s domain.Store) error {
	event := sampleEvent()
	first := domain.PageRequest{Size: 1}
	return map[string]func(ctx context.Context, s domain.Store) error{
		"a client": func(ctx context.Context, s domain.Store) error { return second(s.Clients().Get(ctx, 1)) },
		"a page":   func(ctx context.Context, s domain.Store) error { return second(s.CAs().Page(ctx, first)) },
		"a name":   func(ctx context.Context, s domain.Store) error { return second(s.Users().Named(ctx, "a")) },
		"an epoch": func(ctx context.Context, s domain.Store) error { return second(s.AccessControl().Epoch(ctx)) },
		"superusers": func(ctx context.Context, s domain.Store) error {
			return second(s.AccessControl().Superusers(ctx, noon))
		},
		"a throttle": func(ctx context.Context, s domain.Store) error {
			return second(s.Throttles().Take(ctx, "a", noon, 1, 1))
		},
		"events": func(ctx context.Context, s domain.Store) error { return second(s.Audit().After(ctx, 1, 0, 1)) },
		"a link": func(ctx context.Context, s domain.Store) error {
			return second(s.Audit().LastBefore(ctx, 1, noon))
		},
		"an event":     func(ctx context.Context, s domain.Store) error { return s.Audit().Append(ctx, &event) },
		"an enrolment": func(ctx context.Context, s domain.Store) error { return enrolOne(ctx, s, 1, &event) },
		"a use": func(ctx context.Context, s domain.Store) error {
			return s.APIKeys().Used(ctx, []domain.APIKeyUse{{ID: 1, At: noon}})
		},
		"a device": func(ctx context.Context, s domain.Store) error { return second(s.Devices().Get(ctx, 1)) },
		"a lock": func(ctx context.Context, s domain.Store) error {
			return second(s.Devices().Lock(ctx, []string{"a"}))
		},
		"new devices": func(ctx context.Context, s domain.Store) error {
			return second(s.Devices().Insert(ctx, []domain.Device{sampleDevice()}))
		},
		"found devices": func(ctx context.Context, s domain.Store) error {
			return second(s.Devices().Page(ctx, domain.DeviceFilter{Model: "RHEL", Text: "a"}, first))
		},
	}
}

func second[T any](_ T, err error) error { return err }
