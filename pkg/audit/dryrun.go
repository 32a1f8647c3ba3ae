package audit

import (
	"context"
	"errors"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// DryRun is how a change of a dry run ends: nothing was stored. It is an error so that it rolls the
// transaction back.
type DryRun struct {
	// Event is what the audit would say; nil if the request would change nothing.
	Event *domain.Event
}

// Error implements error.
func (*DryRun) Error() string { return "audit: a dry run has stored nothing" }

// errNoDryRun keeps changes that do not end by [Recorder.Record] from being made in a dry run.
var errNoDryRun = errors.New("audit: this change has no dry run")

// WouldDo ends a dry run that would make the change c. Its error is a [DryRun], or says that the
// caller may not do it any more.
func (r *Recorder) WouldDo(ctx context.Context, tx domain.Store, c Change) error {
	ctx, err := r.Again(ctx, tx)
	if err != nil {
		return err
	}
	if c.none() {
		return &DryRun{}
	}
	e, err := r.Event(ctx, c)
	if err != nil {
		return err
	}
	return &DryRun{Event: e}
}
