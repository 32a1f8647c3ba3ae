package mail

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
)

// Recipients are the use cases of the addresses that events are mailed to.
type Recipients struct {
	Store    domain.Store
	Recorder *audit.Recorder
	Post     *Post
	Now      func() time.Time
}

// recipients says how the audit describes a recipient. How far the mail is, is not of the audit.
var recipients = audit.Resource[domain.MailRecipient]{
	Scope: domain.ScopeMail,
	Facts: func(r domain.MailRecipient) audit.Facts {
		return audit.Facts{
			"address": r.Address, "language": string(r.Language), "events": append([]string{}, r.Events...),
			"resource": string(r.Resource), "resource_id": r.ResourceID, "days": r.Days, "enabled": r.Enabled,
			"failed": !r.FailedAt.IsZero(),
		}
	},
	Name: func(r domain.MailRecipient) (int64, string) { return r.ID, r.Address },
}

// Page lists recipients.
func (s *Recipients) Page(
	ctx context.Context, req domain.PageRequest,
) (domain.Page[domain.MailRecipient], error) {
	return s.Store.MailRecipients().Page(ctx, req)
}

// Get returns one recipient.
func (s *Recipients) Get(ctx context.Context, id int64) (domain.MailRecipient, error) {
	return s.Store.MailRecipients().Get(ctx, id)
}

// Create adds a recipient, who gets what happens from now on. Errors: *domain.Error with Rule when
// there are domain.MaxMailRecipients.
func (s *Recipients) Create(ctx context.Context, r domain.MailRecipient) (domain.MailRecipient, error) {
	return idempotency.Do(ctx, s.Recorder.Results, func() (domain.MailRecipient, error) { return s.create(ctx, r) })
}

func (s *Recipients) create(ctx context.Context, r domain.MailRecipient) (domain.MailRecipient, error) {
	if err := r.Validate(); err != nil {
		return r, err
	}
	now := s.Now()
	r.CreatedAt, r.UpdatedAt = now, now
	err := s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		n, err := tx.MailRecipients().Count(ctx)
		if err != nil {
			return none, err
		}
		if n >= domain.MaxMailRecipients {
			return none, domain.Fault(domain.Rule, "", domain.ReasonMailRecipients, domain.MaxMailRecipients)
		}
		if err := begin(ctx, tx, &r); err != nil {
			return none, err
		}
		if err := tx.MailRecipients().Create(ctx, &r); err != nil {
			return none, err
		}
		return recipients.Created(r), nil
	})
	return r, err
}

// begin makes the mail begin with what happens from now on.
func begin(ctx context.Context, tx domain.Store, r *domain.MailRecipient) error {
	ends, err := tx.Events().Ends(ctx)
	r.MailState = domain.MailState{Turn: r.Turn, Told: ends.Newest, SentAt: r.SentAt, Sent: r.Sent}
	return err
}

// Update changes a recipient. One that is enabled again gets what happens from then on; one whose
// address was refused, and is another now or is enabled once more, also what has happened since.
func (s *Recipients) Update(
	ctx context.Context, id int64, update domain.MailRecipientUpdate,
) (r domain.MailRecipient, err error) {
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (done audit.Change, err error) {
		rows := tx.MailRecipients()
		r, done, err = recipients.Edit(ctx, id, rows.Lock, rows.Update, func(r *domain.MailRecipient) error {
			asleep := !r.Enabled
			r.UpdatedAt = s.Now()
			if err := update.Apply(r); err != nil {
				return err
			}
			if asleep && r.Enabled {
				return begin(ctx, tx, r)
			}
			return nil
		})
		return done, err
	})
	return r, err
}

// Delete removes a recipient. A letter on its way may still arrive.
func (s *Recipients) Delete(ctx context.Context, id int64) error {
	return s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (audit.Change, error) {
		return recipients.Remove(ctx, id, tx.MailRecipients().Lock, tx.MailRecipients().Delete)
	})
}

// Trial is what has come of a letter that was sent to try a recipient.
type Trial struct {
	MessageID string
	Failure   string // empty: the mail server has taken the letter
}

// Test sends a letter that says that mail works, at once, and stores nothing. Errors: *domain.Error
// with Rule when there is no mail server.
func (s *Recipients) Test(ctx context.Context, id int64) (Trial, error) {
	r, err := s.Store.MailRecipients().Get(ctx, id)
	if err != nil {
		return Trial{}, err
	}
	return s.Post.try(ctx, r)
}
