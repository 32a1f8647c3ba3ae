package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// TestAudit_Reserve_Limits: Reserve waits for the last chain for longer than the timeouts of the
// connection, but not for longer than its context. After it the timeouts apply again.
func TestAudit_Reserve_Limits(t *testing.T) {
	t.Parallel()
	const limit = time.Second
	s := open(t, postgresURL(t)+"&lock_timeout=500ms&statement_timeout=1s")
	ctx := t.Context()
	d := domain.DeviceDomain{Name: "corp", CreatedAt: time.Unix(0, 0), UpdatedAt: time.Unix(0, 0)}
	if err := s.DeviceDomains().Create(ctx, &d); err != nil {
		t.Fatal(err)
	}
	release := holdDomain(t, s, d.ID)
	t.Run("the limits hold again", func(t *testing.T) {
		begin, err := time.Now(), reserved(ctx, s, func(tx domain.Store) error {
			_, err := tx.DeviceDomains().Lock(ctx, d.ID)
			return err
		})
		if err == nil || time.Since(begin) > 20*limit {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
	})
	release()
	t.Run("it waits for longer than the limits", func(t *testing.T) {
		waited := make(chan error, 1)
		err := reserved(ctx, s, func(domain.Store) error {
			go func() { waited <- reserved(ctx, s, func(domain.Store) error { return nil }) }()
			select {
			case err := <-waited:
				return errors.Join(errors.New("it did not wait"), err)
			case <-time.After(2 * limit):
				return nil
			}
		})
		if err := errors.Join(err, <-waited); err != nil {
			t.Error(err)
		}
	})
	t.Run("it does not wait for longer than the context", func(t *testing.T) {
		err := reserved(ctx, s, func(domain.Store) error {
			short, cancel := context.WithTimeout(ctx, limit/10)
			defer cancel()
			if err := reserved(short, s, func(domain.Store) error { return nil }); err == nil || short.Err() == nil {
				return errors.Join(errors.New("it did not wait"), err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// holdDomain locks a domain of devices in a transaction that lasts until it is released.
func holdDomain(t *testing.T, s *store.Store, id int64) (release func()) {
	t.Helper()
	holding, end, held := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		held <- s.Transact(t.Context(), func(tx domain.Store) error {
			_, lockErr := tx.DeviceDomains().Lock(t.Context(), id)
			close(holding)
			<-end
			return lockErr
		})
	}()
	<-holding
	return func() {
		t.Helper()
		close(end)
		if err := <-held; err != nil {
			t.Fatal(err)
		}
	}
}

// reserved runs fn in a transaction that has the last chain.
func reserved(ctx context.Context, s *store.Store, fn func(tx domain.Store) error) error {
	return s.Transact(ctx, func(tx domain.Store) error {
		if err := tx.Audit().Reserve(ctx); err != nil {
			return err
		}
		return fn(tx)
	})
}
