package tunnel

import (
	"context"
	"errors"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
)

// SiteLink is what became of one site of a request for many links.
type SiteLink struct {
	ClientID int64
	Name     string          // empty: no client has the id
	Link     IssuedEnrolment // of no use in a dry run, and with Err
	Err      error           // why there is none; nil: there is
}

// SiteLinks is what became of a request for many links.
type SiteLinks struct {
	Sites []SiteLink
	// Next is the id after which the sites begin that are left; 0: none is.
	Next int64
}

// linkReserve is how much time links for many sites leave of their request for the last one.
const linkReserve = 10 * time.Second

// CreateMany makes links for the sites of a selection, one after the other, each in its own
// transaction and with its own event. It ends early when the time of the request does, and says
// where to go on. Each link is kept under the Idempotency-Key of the request: a repeat makes no
// other one.
//
// Errors: *domain.Error of the selection and of what is asked for; with Missing on id for an
// instance that there is not. Later ones only if there is no link yet.
func (s *Enrolments) CreateMany(ctx context.Context, asked domain.ManyEnrolments) (done SiteLinks, err error) {
	if err := errors.Join(asked.Validate(), s.checkFormat(asked.Format)); err != nil {
		return done, err
	}
	if _, err := s.Store.Instances().Get(ctx, asked.InstanceID); err != nil {
		return done, err
	}
	found, more, err := s.selected(ctx, asked)
	if err != nil {
		return done, err
	}
	for k, id := range found {
		one, err := s.createOneOf(ctx, asked, id)
		if err != nil && len(done.Sites) == 0 {
			return done, err
		}
		if err != nil {
			s.Recorder.Log.ErrorContext(ctx, "links for many sites have ended early", "error", domain.Cause(err))
			return done, nil
		}
		done.Sites, done.Next = append(done.Sites, one), id
		if pki.Late(ctx, linkReserve) {
			more = more || k+1 < len(found)
			break
		}
	}
	if !more {
		done.Next = 0
	}
	return done, nil
}

func (s *Enrolments) checkFormat(format string) error {
	if format == "" {
		return nil
	}
	return s.Profiles.CheckFormat(format)
}

// linkPage is how many sites are read at once.
const linkPage = 100

// selected returns the ids of the sites, at most MaxClientsAtOnce, and whether there are more.
func (s *Enrolments) selected(ctx context.Context, of domain.ManyEnrolments) (ids []int64, more bool, err error) {
	if len(of.IDs) > 0 {
		return of.IDs, false, nil
	}
	filter := domain.SiteProfileFilter{InstanceID: of.InstanceID, State: of.State, At: s.Now()}
	if filter.State == "" {
		filter.State = domain.ProfileStale
	}
	cursor := &of.After
	for cursor != nil && len(ids) < domain.MaxClientsAtOnce {
		page, err := s.Store.ClientConfigs().Profiles(ctx, filter, domain.PageRequest{Cursor: *cursor, Size: linkPage})
		if err != nil {
			return nil, false, err
		}
		for _, site := range page.Items {
			ids = append(ids, site.ClientID)
		}
		cursor = page.Next
	}
	return ids, cursor != nil, nil
}

// createOneOf makes one of many links. Its error is one that ends the others, too.
func (s *Enrolments) createOneOf(
	ctx context.Context, asked domain.ManyEnrolments, id int64,
) (one SiteLink, err error) {
	client, err := s.Store.Clients().Get(ctx, id)
	one = SiteLink{ClientID: id, Name: client.Name}
	if err == nil {
		spec := asked.EnrolmentSpec
		spec.ClientID = id
		one.Link, err = s.Create(pki.ForOne(ctx, id), spec)
	}
	if _, dry := errors.AsType[*audit.DryRun](err); dry {
		return one, nil
	}
	if err != nil && pki.EndsMany(err) {
		return one, err
	}
	one.Err = err
	return one, nil
}
