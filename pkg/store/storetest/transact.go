package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// transactRules is the contract of Store.Transact and Store.Atomic.
var transactRules = rules{
	{atomicity, testTransactAtomic},
	{"Bounds", testTransactBounds},
	{"Doomed", testTransactDoomed},
}

// creations makes clients of one CA.
type creations struct {
	domain.Store
	authority domain.CA
}

func (c creations) exists(t *testing.T, name string) bool {
	t.Helper()
	return must(c.Clients().NameTaken(t.Context(), name, noon))(t)
}

func (c creations) create(t *testing.T, tx domain.Store, name string) error {
	client := sampleClient(c.authority.ID, name)
	return tx.Clients().Create(t.Context(), &client)
}

func testTransactAtomic(t *testing.T, s domain.Store) {
	c := creations{s, newCA(t, s)}
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

func testTransactBounds(t *testing.T, s domain.Store) {
	c := creations{s, newCA(t, s)}
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
			wantSame(t, must(tx.Clients().NameTaken(t.Context(), name, noon))(t), true)
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

// testTransactDoomed checks that a transaction is rolled back when one of its statements has
// failed, even if fn ignores the error.
func testTransactDoomed(t *testing.T, s domain.Store) {
	ctx := t.Context()
	c := creations{s, newCA(t, s)}
	for sentence, fail := range failures(c.authority.ID) {
		t.Run(sentence, func(t *testing.T) {
			name := fresh("client")
			check(t, c.create(t, s, name+"-taken"))
			err := s.Transact(ctx, func(tx domain.Store) error {
				check(t, c.create(t, tx, name))
				if fail(ctx, tx, name+"-taken") == nil {
					t.Error("the statement did not fail")
				}
				return nil
			})
			if err == nil || c.exists(t, name) {
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
			return c.create(t, tx, name)
		}))
		wantSame(t, c.exists(t, name), true)
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
