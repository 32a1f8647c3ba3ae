package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func testTransact(t *testing.T, s domain.Store) {
	c := creations{s, newCA(t, s)}
	testTransactEnds(t, c)
	testTransactBounds(t, c)
}

// creations makes clients of one CA.
type creations struct {
	domain.Store
	authority domain.CA
}

func (c creations) exists(t *testing.T, name string) bool {
	t.Helper()
	return must(c.Clients().NameTaken(t.Context(), name))(t)
}

func (c creations) create(t *testing.T, tx domain.Store, name string) error {
	client := sampleClient(c.authority.ID, name)
	return tx.Clients().Create(t.Context(), &client)
}

func testTransactEnds(t *testing.T, c creations) {
	t.Run("what succeeds is kept", func(t *testing.T) {
		one, two := fresh("client"), fresh("client")
		check(
			t,
			c.Transact(
				t.Context(),
				func(tx domain.Store) error { return errors.Join(c.create(t, tx, one), c.create(t, tx, two)) },
			),
		)
		if !c.exists(t, one) || !c.exists(t, two) {
			t.Error("it is not there")
		}
	})
	t.Run("an error rolls back and is returned", func(t *testing.T) {
		name, cause := fresh("client"), errors.New("cause")
		err := c.Transact(t.Context(), func(tx domain.Store) error { return errors.Join(c.create(t, tx, name), cause) })
		if !errors.Is(err, cause) {
			t.Errorf("error is %v", err)
		}
		if c.exists(t, name) {
			t.Error("it is there")
		}
	})
	t.Run("a panic rolls back and goes on", func(t *testing.T) {
		name := fresh("client")
		func() {
			defer func() {
				if recover() != "help" {
					t.Error("the panic is lost")
				}
			}()
			_ = c.Transact(t.Context(), func(tx domain.Store) error {
				check(t, c.create(t, tx, name))
				panic("help")
			})
		}()
		if c.exists(t, name) {
			t.Error("it is there")
		}
	})
}

func testTransactBounds(t *testing.T, c creations) {
	t.Run("an ended context rolls back", func(t *testing.T) {
		name := fresh("client")
		ended, cancel := context.WithCancel(t.Context())
		err := c.Transact(ended, func(tx domain.Store) error {
			check(t, c.create(t, tx, name))
			cancel()
			return nil
		})
		if err == nil || c.exists(t, name) {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("a transaction inside a transaction is refused", func(t *testing.T) {
		ran := false
		err := c.Transact(t.Context(), func(tx domain.Store) error {
			return tx.Transact(t.Context(), func(domain.Store) error { ran = true; return nil })
		})
		if err == nil || ran || domain.Faults(err) != nil {
			t.Errorf("ran: %t, error is %v", ran, err)
		}
	})
	t.Run("Atomic is a transaction, or a part of the one around it", func(t *testing.T) {
		alone, inside, failure := fresh("client"), fresh("client"), errors.New("failure")
		fail := func(name string) func(tx domain.Store) error {
			return func(tx domain.Store) error { return errors.Join(c.create(t, tx, name), failure) }
		}
		wantSame(t, errors.Is(c.Atomic(t.Context(), fail(alone)), failure), true)
		check(t, c.Transact(t.Context(), func(tx domain.Store) error {
			wantSame(t, errors.Is(tx.Atomic(t.Context(), fail(inside)), failure), true)
			return nil
		}))
		wantSame(t, []bool{c.exists(t, alone), c.exists(t, inside)}, []bool{false, true})
	})
	t.Run("a transaction sees what it wrote, others do not before its end", func(t *testing.T) {
		name := fresh("client")
		check(t, c.Transact(t.Context(), func(tx domain.Store) error {
			check(t, c.create(t, tx, name))
			wantSame(t, must(tx.Clients().NameTaken(t.Context(), name))(t), true)
			wantSame(
				t,
				must(tx.Clients().Page(t.Context(), domain.ClientFilter{Name: name}, domain.PageRequest{Size: 1}))(t).
					Items[0].Name, name,
			)
			if c.exists(t, name) {
				t.Error("it is seen from outside")
			}
			return nil
		}))
	})
}

// testDoomedTransact: a failed statement dooms its transaction, also when fn goes on as if nothing
// had been.
func testDoomedTransact(t *testing.T, s domain.Store) {
	ctx := t.Context()
	authority := newCA(t, s)
	exists := func(t *testing.T, name string) bool {
		t.Helper()
		return must(s.Clients().NameTaken(ctx, name))(t)
	}
	create := func(tx domain.Store, name string) error {
		c := sampleClient(authority.ID, name)
		return tx.Clients().Create(ctx, &c)
	}
	for sentence, fail := range failures(authority.ID) {
		t.Run(sentence, func(t *testing.T) {
			name := fresh("client")
			check(t, create(s, name+"-taken"))
			err := s.Transact(ctx, func(tx domain.Store) error {
				check(t, create(tx, name))
				if fail(ctx, tx, name+"-taken") == nil {
					t.Error("the statement did not fail")
				}
				return nil
			})
			if err == nil || exists(t, name) {
				t.Errorf("error is %v", err)
			}
		})
	}
	t.Run("what is missing dooms nothing", func(t *testing.T) {
		name := fresh("client")
		check(t, s.Transact(ctx, func(tx domain.Store) error {
			_, err := tx.Clients().Get(ctx, absent)
			wantMissing(t, err)
			wantMissing(t, tx.CAs().Delete(ctx, absent))
			return create(tx, name)
		}))
		wantSame(t, exists(t, name), true)
	})
}

// failures are statements that the database refuses.
func failures(caID int64) map[string]func(ctx context.Context, tx domain.Store, taken string) error {
	return map[string]func(ctx context.Context, tx domain.Store, taken string) error{
		"a name taken": func(ctx context.Context, tx domain.Store, taken string) error {
			c := sampleClient(caID, taken)
			return tx.Clients().Create(ctx, &c)
		},
		"a name taken at enrolment": func(ctx context.Context, tx domain.Store, taken string) error {
			c := sampleClient(caID, taken)
			cert, event := sampleCertificate(c, "d0"), sampleEvent()
			return tx.Clients().Enrol(ctx, &c, &cert, &event)
		},
		"a CA that does not exist": func(ctx context.Context, tx domain.Store, _ string) error {
			c := sampleClient(absent, fresh("client"))
			return tx.Clients().Create(ctx, &c)
		},
		"a CA in use": func(ctx context.Context, tx domain.Store, _ string) error {
			return tx.CAs().Delete(ctx, caID)
		},
		"a role that does not exist": func(ctx context.Context, tx domain.Store, _ string) error {
			k := sampleAPIKey(domain.Role{ID: absent})
			return tx.APIKeys().Create(ctx, &k)
		},
		"a serial twice": func(ctx context.Context, tx domain.Store, _ string) error {
			twice := domain.Revocation{CAID: caID, Serial: "01", RevokedAt: noon}
			return tx.Revocations().Add(ctx, []domain.Revocation{twice, twice})
		},
	}
}

// testEndedContext reads and writes with a context that has ended, outside of transactions and
// inside.
func testEndedContext(t *testing.T, s domain.Store) {
	event := sampleEvent()
	calls := map[string]func(ctx context.Context, s domain.Store) error{
		"a client": func(ctx context.Context, s domain.Store) error { return second(s.Clients().Get(ctx, 1)) },
		"a name":   func(ctx context.Context, s domain.Store) error { return second(s.Users().Named(ctx, "a")) },
		"an epoch": func(ctx context.Context, s domain.Store) error { return second(s.AccessControl().Epoch(ctx)) },
		"superusers": func(ctx context.Context, s domain.Store) error {
			return second(s.AccessControl().Superusers(ctx, noon))
		},
		"a throttle": func(ctx context.Context, s domain.Store) error {
			return second(s.Throttles().Take(ctx, "a", noon, 1, 1))
		},
		"events": func(ctx context.Context,
			s domain.Store) error {
			return second(s.Audit().After(ctx, 1, 0, 1))
		},
		"a link": func(ctx context.Context,
			s domain.Store) error {
			return second(s.Audit().LastBefore(ctx, 1, noon))
		},
		"an event":     func(ctx context.Context, s domain.Store) error { return s.Audit().Append(ctx, &event) },
		"an enrolment": func(ctx context.Context, s domain.Store) error { return enrolOne(ctx, s, 1, &event) },
		"a use": func(ctx context.Context, s domain.Store) error {
			return s.APIKeys().Used(ctx, []domain.APIKeyUse{{ID: 1, At: noon}})
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			outside := call(ended, s)
			inside := s.Transact(t.Context(), func(tx domain.Store) error { return call(ended, tx) })
			for _, err := range []error{outside, inside} {
				if err == nil || domain.Faults(err) != nil {
					t.Errorf("error is %v", err)
				}
			}
		})
	}
}

func second[T any](_ T, err error) error { return err }
