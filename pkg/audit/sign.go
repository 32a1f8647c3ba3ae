package audit

import (
	"context"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// checkpointEvery is how often the ends of the chains are signed.
const checkpointEvery = time.Hour

// signedLast is which checkpoint was signed last. It is sealed together with the secret of the audit, so that one who can only write to the database
// can't make it a lower one, unless they have kept an earlier value.
type signedLast struct {
	number int64 // 0: none, or of a version that did not number them
	hash   [32]byte
	sealed []byte // as it is stored
}

// ErrSecret says that the audit's own secret is not what it was.
var ErrSecret = errors.New("the audit's own secret in the database is another than at the start")

var errSignedByOther = errors.New("a checkpoint was signed meanwhile")

// lastSigned reads which checkpoint was the last one.
func (s *Trail) lastSigned(ctx context.Context) (signedLast, error) {
	sealed, err := s.Store.Secrets().Get(ctx, SecretName)
	if err != nil {
		return signedLast{}, fmt.Errorf("read the audit's own secret: %w", err)
	}
	opened, err := s.Sealer.Open(sealed)
	if err != nil || len(opened) < auth.SecretSize || subtle.ConstantTimeCompare(opened[:auth.SecretSize], s.Secret) != 1 {
		return signedLast{}, ErrSecret
	}
	last := signedLast{sealed: sealed}
	if rest := opened[auth.SecretSize:]; len(rest) == 8+len(last.hash) {
		last.number = int64(binary.BigEndian.Uint64(rest))
		copy(last.hash[:], rest[8:])
	}
	return last, nil
}

func (s *Trail) sealLast(last signedLast) []byte {
	text := binary.BigEndian.AppendUint64(slices.Clone(s.Secret), uint64(last.number))
	return s.Sealer.Seal(append(text, last.hash[:]...))
}

// follow numbers and signs checkpoints as those that follow the last one, and returns what is the last one then.
func (s *Trail) follow(last signedLast, list ...*domain.Checkpoint) signedLast {
	for _, c := range list {
		c.Number, c.Previous = last.number+1, last.hash
		s.Notary.Sign(c)
		last.number, last.hash = c.Number, auth.CheckpointHash(*c)
	}
	last.sealed = s.sealLast(last)
	return last
}

// keepCheckpoints stores checkpoints that were signed, and which is the last one now. Of several who do it at the same time one succeeds.
func keepCheckpoints(ctx context.Context, tx domain.Store, before, now signedLast, list ...*domain.Checkpoint) error {
	replaced, err := tx.Secrets().Replace(ctx, SecretName, before.sealed, now.sealed)
	if err == nil && !replaced {
		err = errSignedByOther
	}
	for _, c := range list {
		if err == nil {
			err = tx.Audit().AddCheckpoint(ctx, c)
		}
	}
	return err
}

// checkpoint is where the chains stand, or begin, not signed yet.
func (s *Trail) checkpoint(links []domain.Link, base bool) *domain.Checkpoint {
	return &domain.Checkpoint{At: s.Now().Truncate(time.Microsecond), Base: base, Links: links}
}

// signing is what is known before a checkpoint is signed.
type signing struct {
	last  signedLast
	known []domain.Checkpoint
	ends  []domain.Link
}

func (s *Trail) beforeSigning(ctx context.Context) (b signing, err error) {
	if b.last, err = s.lastSigned(ctx); err != nil {
		return b, err
	}
	if b.known, err = s.Store.Audit().Checkpoints(ctx); err != nil {
		return b, err
	}
	if newest, ok := b.newest(); ok && b.last.number == 0 && newest.Signature != nil {
		b.last.hash = auth.CheckpointHash(newest)
	}
	b.ends, err = s.Store.Audit().Ends(ctx)
	return b, err
}

// newest is the last checkpoint that there is.
func (b signing) newest() (domain.Checkpoint, bool) {
	if len(b.known) == 0 {
		return domain.Checkpoint{}, false
	}
	return b.known[len(b.known)-1], true
}

// Begin signs the first numbered checkpoint: where the chains of a new database begin, or where those stand of one that an earlier version has used.
// From then on a database without checkpoints has lost them.
func (s *Trail) Begin(ctx context.Context) error {
	last, err := s.lastSigned(ctx)
	if err != nil || last.number > 0 {
		return err
	}
	_, err = s.signNow(ctx, func(signing) bool { return true })
	if loss, ok := errors.AsType[lossError](err); ok {
		s.Log.ErrorContext(ctx, "signing the audit failed", "error", loss)
		return nil
	}
	return err
}

// Checkpoint signs where the chains stand, unless the last checkpoint is of a short time ago or nothing has happened since. It refuses to, and says so each
// time, when what was signed before is not there any more: the new signature would cover that up.
func (s *Trail) Checkpoint(ctx context.Context) error {
	_, err := s.signNow(ctx, func(b signing) bool {
		newest, ok := b.newest()
		age := s.Now().Sub(newest.At)
		return !ok || (age >= checkpointEvery || age < -domain.ClockTolerance) && !slices.Equal(newest.Links, b.ends)
	})
	return err
}

// CheckpointNow is Checkpoint however short a time ago the last one was. It returns the last one, which is a new one if something has happened.
func (s *Trail) CheckpointNow(ctx context.Context) (domain.Checkpoint, error) {
	return s.signNow(ctx, func(b signing) bool {
		newest, ok := b.newest()
		return !ok || newest.Base || !slices.Equal(newest.Links, b.ends)
	})
}

// signNow signs where the chains stand if it is due, and returns the last checkpoint.
func (s *Trail) signNow(ctx context.Context, due func(signing) bool) (domain.Checkpoint, error) {
	b, err := s.beforeSigning(ctx)
	if err == nil {
		err = s.lost(ctx, b)
	}
	newest, _ := b.newest()
	if err != nil || !due(b) {
		return newest, err
	}
	next := s.checkpoint(b.ends, false)
	now := s.follow(b.last, next)
	err = s.Store.Transact(ctx, func(tx domain.Store) error { return keepCheckpoints(ctx, tx, b.last, now, next) })
	if errors.Is(err, errSignedByOther) {
		return newest, nil
	}
	if err == nil {
		s.publish(ctx, *next)
	}
	return *next, err
}

// CheckpointMessage is the message of the log line of a checkpoint, by which it is found again.
const CheckpointMessage = "audit checkpoint"

// publish tells of checkpoints outside the database, where one who sets it back can't reach them.
func (s *Trail) publish(ctx context.Context, list ...domain.Checkpoint) {
	for _, c := range list {
		s.Log.LogAttrs(ctx, slog.LevelInfo, CheckpointMessage, CheckpointAttrs(c)...)
	}
}

// CheckpointAttrs are what the log has of a checkpoint. events is how many there have been.
func CheckpointAttrs(c domain.Checkpoint) []slog.Attr {
	var events int64
	for _, link := range c.Links {
		events += link.Position
	}
	hash, heads := auth.CheckpointHash(c), auth.LinksHash(c.Links)
	return []slog.Attr{
		slog.Int64("number", c.Number), slog.String("hash", hex.EncodeToString(hash[:])), slog.String("at", c.At.UTC().Format(time.RFC3339Nano)),
		slog.Bool("base", c.Base), slog.Int64("events", events), slog.String("heads", hex.EncodeToString(heads[:])),
	}
}
