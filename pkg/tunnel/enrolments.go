package tunnel

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"log/slog"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
)

// Enrolments are the use cases of links by which a site gets its profile.
type Enrolments struct {
	Store    domain.Store
	Recorder *audit.Recorder
	Clients  Reissuer
	Profiles ProfileMaker
	Now      func() time.Time
}

// Reissuer gives a client a certificate for a key that the client has made.
type Reissuer interface {
	// CheckRequest refuses what is no request, as a fault of the field csr.
	CheckRequest(request []byte) error
	// Reissue returns the client with a certificate for the key of a request (PKCS #10 in PEM). A
	// client that has one already, in force, keeps it. Its other certificates end after the
	// overlap.
	Reissue(ctx context.Context, clientID int64, request []byte, overlap time.Duration) (domain.Client, error)
}

// ProfileMaker makes the profiles of sites.
type ProfileMaker interface {
	// Formats lists the formats of profiles, for a choice.
	Formats() []ProfileFormat
	// CheckFormat refuses a format that there is not, as a fault of the field format.
	CheckFormat(format string) error
	// Check returns the error that Profile would return. Nothing leaves the service.
	Check(ctx context.Context, asked ProfileRequest) error
	// Profile makes the profile of a site at an instance.
	Profile(ctx context.Context, asked ProfileRequest) (Download, error)
}

// ProfileFormat is a format of profiles.
type ProfileFormat struct {
	Name  string
	Title string // what it is for, as "RouterOS 7"
}

// enrolmentOverlap is how long the certificates before stay valid when a site has sent a request:
// its tunnel holds until the new profile is in place.
const enrolmentOverlap = time.Hour

// IssuedEnrolment is a new enrolment with its secret, which nobody can read again.
type IssuedEnrolment struct {
	domain.Enrolment
	Secret string // for the path of the link
}

// LogValue keeps the secret out of logs.
func (i IssuedEnrolment) LogValue() slog.Value { return slog.Int64Value(i.ID) }

// enrolments describes enrolments to the audit and the log.
var enrolments = audit.Resource[domain.Enrolment]{
	Scope: domain.ResourceEnrolments,
	Facts: func(e domain.Enrolment) audit.Facts {
		return audit.Facts{
			"client_id": e.ClientID, "instance_id": e.InstanceID, "format": e.Format, "pin": e.PINHash != nil,
			"tries": e.Tries, "expires_at": audit.Moment(e.ExpiresAt), "revoked_at": audit.Moment(e.RevokedAt),
			"claimed_at": audit.Moment(e.ClaimedAt), "claimed_from": e.ClaimedFrom,
		}
	},
	Name: func(e domain.Enrolment) (int64, string) { return e.ID, "" },
}

// Page lists the enrolments of a client. Errors: *domain.Error with Missing.
func (s *Enrolments) Page(
	ctx context.Context, clientID int64, page domain.PageRequest,
) (domain.Page[domain.Enrolment], error) {
	if _, err := s.Store.Clients().Get(ctx, clientID); err != nil {
		return domain.Page[domain.Enrolment]{}, err
	}
	return s.Store.Enrolments().Page(ctx, domain.EnrolmentFilter{ClientID: clientID}, page)
}

// Get returns an enrolment of a client. Errors: *domain.Error with Missing.
func (s *Enrolments) Get(ctx context.Context, clientID, id int64) (domain.Enrolment, error) {
	found, err := s.Store.Enrolments().Get(ctx, id)
	return found, errors.Join(err, ofClient(found, clientID, err))
}

// ofClient is Missing for an enrolment of another client.
func ofClient(e domain.Enrolment, clientID int64, err error) error {
	if err == nil && e.ClientID != clientID {
		return domain.Fault(domain.Missing, "id", domain.ReasonNotFound)
	}
	return nil
}

// Create makes a link. The client has to have a config at the instance, and must not be revoked.
func (s *Enrolments) Create(ctx context.Context, spec domain.EnrolmentSpec) (IssuedEnrolment, error) {
	return idempotency.Do(ctx, s.Recorder.Results, func() (IssuedEnrolment, error) { return s.create(ctx, spec) })
}

func (s *Enrolments) create(ctx context.Context, spec domain.EnrolmentSpec) (made IssuedEnrolment, err error) {
	if err := errors.Join(spec.Validate(), s.checkFormat(spec.Format)); err != nil {
		return made, err
	}
	made = IssuedEnrolment{Secret: rand.Text() + rand.Text()}
	now, life := s.Now(), domain.DefaultEnrolmentLife
	if spec.Life != nil {
		life = *spec.Life
	}
	made.Enrolment = domain.Enrolment{
		ClientID: spec.ClientID, InstanceID: spec.InstanceID, Format: spec.Format,
		SecretHash: hash(made.Secret), CreatedAt: now, ExpiresAt: now.Add(life),
	}
	if spec.PIN != "" {
		made.PINHash = hash(made.Secret, string(spec.PIN))
	}
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		if err := checkSite(ctx, tx, spec.ClientID, spec.InstanceID); err != nil {
			return none, err
		}
		if err := tx.Enrolments().Create(ctx, &made.Enrolment); err != nil {
			return none, err
		}
		change := enrolments.Created(made.Enrolment)
		change.Result = made
		return change, nil
	})
	return made, err
}

// checkSite refuses a client that is revoked, or that the instance does not know.
func checkSite(ctx context.Context, tx domain.Store, clientID, instanceID int64) error {
	_, err := siteAt(ctx, tx, clientID, instanceID)
	return err
}

// siteAt returns the config of a client at an instance. Errors: those of checkSite.
func siteAt(ctx context.Context, tx domain.Store, clientID, instanceID int64) (c domain.ClientConfig, err error) {
	client, err := tx.Clients().Get(ctx, clientID)
	if err != nil {
		return c, err
	}
	if client.Revoked() {
		return c, domain.Fault(domain.Rule, "id", domain.ReasonNotInForce)
	}
	c, err = tx.ClientConfigs().Get(ctx, instanceID, clientID)
	if domain.IsKind(err, domain.Missing) {
		err = domain.Fault(domain.NotFound, "instance_id", domain.ReasonNoSite)
	}
	return c, err
}

// Revoke ends a link. Revoking again, or after it was claimed, changes nothing.
func (s *Enrolments) Revoke(ctx context.Context, clientID, id int64) (record domain.Enrolment, err error) {
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		record, err = tx.Enrolments().Lock(ctx, id)
		if err := errors.Join(err, ofClient(record, clientID, err)); err != nil {
			return none, err
		}
		before := record
		if state := record.State(s.Now()); state == domain.EnrolmentRevoked || state == domain.EnrolmentClaimed {
			return none, nil
		}
		record.RevokedAt = s.Now()
		if err := tx.Enrolments().Update(ctx, record); err != nil {
			return none, err
		}
		return enrolments.Changed(domain.ActionRevoke, before, record), nil
	})
	return record, err
}

// State is that of an enrolment now.
func (s *Enrolments) State(e domain.Enrolment) domain.EnrolmentState { return e.State(s.Now()) }

// kept is how long an enrolment stays known after its end.
const kept = 90 * 24 * time.Hour

// Forget removes enrolments that have ended long ago.
func (s *Enrolments) Forget(ctx context.Context) error {
	return s.Store.Enrolments().Purge(ctx, s.Now().Add(-kept))
}

// hash is the SHA-256 of texts, of which none can run into the next.
func hash(texts ...string) []byte {
	h := sha256.New()
	for _, text := range texts {
		one := sha256.Sum256([]byte(text))
		h.Write(one[:])
	}
	return h.Sum(nil)
}
