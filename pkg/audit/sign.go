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

// signedLast is the checkpoint that was signed last. It is sealed together with the secret of the
// audit, so that an attacker who can only write to the database can't replace it by a lower one,
// except by an earlier value that the attacker has kept.
type signedLast struct {
	number int64 // 0: none, or one of a version that did not number them
	hash   [32]byte
	sealed []byte // as it is stored
}

// ErrSecret says that the audit's own secret has changed since the start.
var ErrSecret = errors.New("the audit's own secret in the database is another than at the start")

var errSignedByOther = errors.New("a checkpoint was signed meanwhile")

// lastSigned reads which checkpoint was signed last.
func (s *Trail) lastSigned(ctx context.Context) (signedLast, error) {
	sealed, err := s.Store.Secrets().Get(ctx, SecretName)
	if err != nil {
		return signedLast{}, fmt.Errorf("read the audit's own secret: %w", err)
	}
	opened, err := s.Sealer.Open(sealed)
	if err != nil || len(opened) < auth.SecretSize ||
		subtle.ConstantTimeCompare(opened[:auth.SecretSize], s.Secret) != 1 {
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

// follow numbers and signs checkpoints as successors of the last one, and returns the new last one.
func (s *Trail) follow(last signedLast, list ...*domain.Checkpoint) signedLast {
	for _, c := range list {
		c.Number, c.Previous = last.number+1, last.hash
		s.Notary.Sign(c)
		last.number, last.hash = c.Number, auth.CheckpointHash(*c)
	}
	last.sealed = s.sealLast(last)
	return last
}

// keepCheckpoints stores signed checkpoints, and which one is now the last. Of several concurrent
// calls one succeeds.
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

// checkpoint returns an unsigned checkpoint of where the chains end or, for a base, begin.
func (s *Trail) checkpoint(links []domain.Link, base bool) *domain.Checkpoint {
	return &domain.Checkpoint{At: s.Now().Truncate(time.Microsecond), Base: base, Links: links}
}

// signing is the state that is read before a checkpoint is signed.
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

// newest returns the last checkpoint in the database.
func (b signing) newest() (domain.Checkpoint, bool) {
	if len(b.known) == 0 {
		return domain.Checkpoint{}, false
	}
	return b.known[len(b.known)-1], true
}

// Begin signs the first numbered checkpoint: the beginnings of the chains of a new database, or
// their ends in a database that an earlier version has used. From then on a database without
// checkpoints has lost them.
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

// Checkpoint signs the ends of the chains, unless the last checkpoint is recent or nothing has
// happened since. It refuses, and says so each time, when something that was signed before is gone:
// the new signature would cover that up.
func (s *Trail) Checkpoint(ctx context.Context) error {
	_, err := s.signNow(ctx, func(b signing) bool {
		newest, ok := b.newest()
		age := s.Now().Sub(newest.At)
		return !ok || (age >= checkpointEvery || age < -domain.ClockTolerance) && !slices.Equal(newest.Links, b.ends)
	})
	return err
}

// CheckpointNow is Checkpoint regardless of the age of the last one. It returns the last
// checkpoint, which is a new one if something has happened.
func (s *Trail) CheckpointNow(ctx context.Context) (domain.Checkpoint, error) {
	return s.signNow(ctx, func(b signing) bool {
		newest, ok := b.newest()
		return !ok || newest.Base || !slices.Equal(newest.Links, b.ends)
	})
}

// signNow signs the ends of the chains if that is due, and returns the last checkpoint.
func (s *Trail) signNow(ctx context.Context, due func(signing) bool) (domain.Checkpoint, error) {
	newest, err := s.signIf(ctx, due)
	if err == nil {
		s.checked.Store(s.Now().Unix())
	}
	return newest, err
}

func (s *Trail) signIf(ctx context.Context, due func(signing) bool) (domain.Checkpoint, error) {
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

// CheckpointMessage is the message of a checkpoint's log line, by which the line is found again.
const CheckpointMessage = "audit checkpoint"

// publish logs checkpoints outside the database, where an attacker who sets it back can't reach
// them.
func (s *Trail) publish(ctx context.Context, list ...domain.Checkpoint) {
	for _, c := range list {
		s.Log.LogAttrs(ctx, slog.LevelInfo, CheckpointMessage, CheckpointAttrs(c)...)
	}
}

// CheckpointAttrs are the attributes of a checkpoint in the log. events is how many events there
// have been.
func CheckpointAttrs(c domain.Checkpoint) []slog.Attr {
	var events int64
	for _, link := range c.Links {
		events += link.Position
	}
	hash, heads := auth.CheckpointHash(c), auth.LinksHash(c.Links)
	return []slog.Attr{
		slog.Int64("number", c.Number), slog.String("hash", hex.EncodeToString(hash[:])),
		slog.String("at", c.At.UTC().Format(time.RFC3339Nano)),
		slog.Bool("base", c.Base), slog.Int64("events", events), slog.String("heads", hex.EncodeToString(heads[:])),
	}
}
