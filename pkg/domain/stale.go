package domain

import "context"

// Stale reads what may be a little old: lists that people look at, and exports. Nothing that is
// decided may rest on it. Where the store has a standby to read from, read gets that, and a second
// time the store itself when it fails there; otherwise it gets the store.
func Stale[T any](
	ctx context.Context, s Store, read func(ctx context.Context, s Store) (T, error),
) (found T, err error) {
	err = s.Stale(ctx, func(ctx context.Context, s Store) error {
		var err error
		found, err = read(ctx, s)
		return err
	})
	return found, err
}
