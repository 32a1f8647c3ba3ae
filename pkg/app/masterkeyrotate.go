package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/chaveiro/chaveiro/pkg/masterkey"
)

// RotateOptions say how the master key is rotated.
type RotateOptions struct {
	Force bool          // begin although a server lacks the key
	Hurry bool          // without rests
	Wait  time.Duration // for servers that do not have the key yet
	// Follow is how long to wait for servers that do not seal with the key yet; 0: until one that
	// has died does not count any more.
	Follow time.Duration
	Show   func(masterkey.Progress)
}

// Rotated is what a rotation has done.
type Rotated struct {
	Version  uint32
	Begun    bool  // it began here; otherwise it went on, or there was nothing to do
	Resealed int64 // values
}

// RotateMasterKey makes the newest master key seal, and seals anew what earlier ones have sealed. A
// rotation that was broken off goes on. Servers may run meanwhile. Errors: *masterkey.LackingError,
// *masterkey.DamagedError; the earlier keys must stay after any error.
func RotateMasterKey(ctx context.Context, c Config, o RotateOptions, log *slog.Logger) (done Rotated, err error) {
	err = withMasterKey(ctx, c, "rotate", log, func(ctx context.Context, r *masterkey.Rotation) error {
		r.Hurry, r.Patience = o.Hurry, o.Follow
		if newest := r.Keys.Newest(); newest > r.Keys.Version() {
			if err := beginRotation(ctx, r, newest, o); err != nil {
				return err
			}
			done.Begun = true
		}
		done.Version = r.Keys.Version()
		done.Resealed, err = finishRotation(ctx, r, o)
		if err == nil {
			err = resealFloor(c.floorFile(), r.Keys)
		}
		return err
	})
	return done, err
}

// lackingPause is how long it waits to look again whether all servers have a key.
const lackingPause = time.Second

func beginRotation(ctx context.Context, r *masterkey.Rotation, version uint32, o RotateOptions) error {
	end := time.Now().Add(o.Wait)
	for {
		err := r.Ready(ctx, version)
		_, lacking := errors.AsType[*masterkey.LackingError](err)
		switch {
		case err == nil || lacking && o.Force:
			return r.Begin(ctx, version)
		case !lacking:
			return err
		case time.Now().After(end):
			return fmt.Errorf("%w. Nothing has begun: give it the key file of this machine, and repeat", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lackingPause):
		}
	}
}

// finishRotation seals anew until nothing is left. It goes over all rows a second time when all
// servers seal with the present key: before that they may have stored what an earlier one has
// sealed.
func finishRotation(ctx context.Context, r *masterkey.Rotation, o RotateOptions) (int64, error) {
	first, err := r.Reseal(ctx, o.Show)
	if err != nil {
		return first.Done, err
	}
	if err := r.Followed(ctx); err != nil {
		return first.Done, fmt.Errorf("%w. Repeat the command when it does", err)
	}
	second, err := r.Sweep(ctx)
	if err == nil {
		err = r.End(ctx, first.Done+second.Done)
	}
	return first.Done + second.Done, err
}
