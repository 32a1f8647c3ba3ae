package kms

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Lease is for how long a store lets this process in. Without an end it is for ever.
type Lease struct {
	Ends time.Time
	Life time.Duration // of the credential, as it was given
}

// Short reports whether less than a quarter of the life is left: by then it should have been
// renewed twice.
func (l Lease) Short(now time.Time) bool { return !l.Ends.IsZero() && l.Ends.Sub(now) < l.Life/4 }

// Tenant is a [Provider] that its store lets in for a time.
type Tenant interface {
	// Renew returns how long this process is let in, after it has made that longer where half of it
	// is over. It asks the store only then, and when there is another credential. An error besides
	// [ErrAway] says that the credential is good and was not renewed.
	Renew(ctx context.Context) (Lease, error)
	// Lease asks the store how long this process is let in, and changes nothing.
	Lease(ctx context.Context) (Lease, error)
}

// Keep renews the credentials of all stores by time until the context ends. Each server does it for
// itself, whether or not anybody uses the store.
func (s *Stores) Keep(ctx context.Context, log *slog.Logger) {
	var group sync.WaitGroup
	for _, one := range s.all() {
		if tenant, ok := one.provider.(Tenant); ok {
			group.Go(func() { one.keep(ctx, tenant, log) })
		}
	}
	group.Wait()
}

func (s *Store) keep(ctx context.Context, tenant Tenant, log *slog.Logger) {
	told := ""
	for {
		fault := s.renew(ctx, tenant)
		switch {
		case ctx.Err() != nil:
			return
		case fault != "" && fault != told:
			log.WarnContext(ctx, "the credential of a key store is not renewed", "store", s.Name, "fault", fault,
				"ends", s.Lease().Ends)
		case fault == "" && told != "":
			log.InfoContext(ctx, "the credential of a key store is good again", "store", s.Name, "ends", s.Lease().Ends)
		}
		told = fault
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.bounds.Looking):
		}
	}
}

// renew looks after the lease, and returns what is wrong with it. A store that is away is asked by
// its healer alone.
func (s *Store) renew(ctx context.Context, tenant Tenant) string {
	if err := s.Away(); err != nil {
		return err.Error()
	}
	renewed := make(chan Lease, 1)
	err := s.do(ctx, s.bounds.Time, func(ctx context.Context) error {
		lease, err := tenant.Renew(ctx)
		renewed <- lease
		return err
	})
	select {
	case lease := <-renewed:
		if !lease.Ends.IsZero() || err == nil {
			s.lease.Store(&lease)
		}
	default:
	}
	switch {
	case err != nil:
		return err.Error()
	case s.Lease().Short(time.Now()):
		return "it ends soon, and can't be renewed"
	}
	return ""
}

// AskLease asks the store how long this process is let in. One that has no such end is not asked.
func (s *Store) AskLease(ctx context.Context) (Lease, error) {
	tenant, ok := s.provider.(Tenant)
	if !ok {
		return Lease{}, nil
	}
	asked := make(chan Lease, 1)
	err := s.do(ctx, s.bounds.Time, func(ctx context.Context) error {
		lease, err := tenant.Lease(ctx)
		asked <- lease
		return err
	})
	if err != nil {
		return Lease{}, err
	}
	return <-asked, nil
}

// SecretFiles returns the paths of the files by which the store lets this process in.
func (s *Store) SecretFiles() []string {
	if holder, ok := s.provider.(interface{ SecretFiles() []string }); ok {
		return holder.SecretFiles()
	}
	return nil
}

// Lease returns what [Stores.Keep] has found last of the credential of the store.
func (s *Store) Lease() Lease {
	if known := s.lease.Load(); known != nil {
		return *known
	}
	return Lease{}
}
