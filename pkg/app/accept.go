package app

import (
	"context"
	"errors"
	"log/slog"
)

// AcceptRestored completes a database that was restored by other means, for example by pg_restore
// or a recovery to a point in time: from now on its contents are authoritative.
func AcceptRestored(
	ctx context.Context, s StorageConfig, o RestoreOptions, log *slog.Logger,
) (result RestoreResult, err error) {
	keys, err := existing(s)
	if err != nil {
		return result, err
	}
	err = whileStopped([]StorageConfig{s}, func() error {
		db, err := OpenStore(ctx, s)
		if err != nil {
			return err
		}
		result.Restored, err = complete(ctx, s, &Storage{Store: db, Keys: keys}, o.SinceFrom, "accepted", o, log)
		return errors.Join(err, db.Close())
	})
	return result, err
}
