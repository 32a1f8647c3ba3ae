package tunnel

import (
	"context"
	"crypto/subtle"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Claim is what somebody with a link asks for.
type Claim struct {
	Secret domain.Secret // of the link
	PIN    domain.Secret // empty: none
	// Token is random and known to the caller alone: within EnrolmentRepeat a claim with the same
	// one gets the profile again, because the answer may have been lost.
	Token  domain.Secret
	Format string // of the profile; ignored where the enrolment says which
	// Request is PKCS #10 in PEM: the certificate is made for its key, and the profile is without
	// one. Empty: the key that the service has made.
	Request []byte
	KeyFile string // where the site has that key
}

// minClaimToken is the least length of a Token, in octets.
const minClaimToken = 16

// Invitation is what a link says before it is claimed.
type Invitation struct {
	domain.Enrolment
	ClientName   string
	ClientKind   domain.ClientKind
	InstanceName string
}

// Look returns what a link is for. It spends nothing. Errors: *domain.Error with Missing.
func (s *Enrolments) Look(ctx context.Context, secret domain.Secret) (Invitation, error) {
	found, err := s.Store.Enrolments().OfSecret(ctx, hash(string(secret)))
	if err != nil {
		return Invitation{}, err
	}
	return s.invitation(ctx, s.Store, found)
}

func (s *Enrolments) invitation(ctx context.Context, tx domain.Store, e domain.Enrolment) (Invitation, error) {
	client, err := tx.Clients().Get(ctx, e.ClientID)
	if err != nil {
		return Invitation{}, err
	}
	instance, err := tx.Instances().Get(ctx, e.InstanceID)
	return Invitation{e, client.Name, client.Kind, instance.Name}, err
}

// Claim spends a link and returns the profile. What can be refused before is refused before: then
// the link is as good as it was. A crash after it was spent loses nothing: the same claim gets the
// profile when it comes again.
//
// Errors: *domain.Error with Missing on id for a link that there is not; with Rule on id for one
// that is claimed, revoked, locked or expired, or whose client is revoked; with Invalid on pin,
// which counts; those of a request for a certificate, and of the profile.
func (s *Enrolments) Claim(ctx context.Context, claim Claim) (Download, error) {
	found, err := s.Look(ctx, claim.Secret)
	if err != nil {
		return Download{}, err
	}
	ctx = domain.WithPrincipal(ctx, domain.Principal{
		Kind: domain.PrincipalEnrolment, ID: found.ID, Name: found.ClientName,
	})
	format := claim.Format
	if found.Format != "" {
		format = found.Format
	}
	if err := s.checkClaim(format, claim); err != nil {
		return Download{}, err
	}
	asked := ProfileRequest{
		ClientID: found.ClientID, InstanceID: found.InstanceID, Format: format, WithoutKey: len(claim.Request) > 0,
		KeyFile: claim.KeyFile,
	}
	if found.State(s.Now()) == domain.EnrolmentOpen && pinFits(found.Enrolment, claim) {
		if err := s.Profiles.Check(ctx, asked); err != nil {
			return Download{}, keyAtSite(err)
		}
	}
	if err := s.spend(ctx, found.ID, claim); err != nil {
		return Download{}, err
	}
	if len(claim.Request) > 0 {
		if _, err := s.Clients.Reissue(ctx, found.ClientID, claim.Request, enrolmentOverlap); err != nil {
			return Download{}, err
		}
	}
	file, err := s.Profiles.Profile(ctx, asked)
	return file, keyAtSite(err)
}

// keyAtSite says of a key that is not kept here what the person at the site can do.
func keyAtSite(err error) error {
	if hasReason(err, domain.ReasonKeyElsewhere) {
		return domain.Fault(domain.Rule, "csr", domain.ReasonKeyAtSite)
	}
	return err
}

// pinFits reports whether the PIN is right, or none is asked for.
func pinFits(e domain.Enrolment, claim Claim) bool {
	return e.PINHash == nil || equal(e.PINHash, hash(string(claim.Secret), string(claim.PIN)))
}

func (s *Enrolments) checkClaim(format string, claim Claim) error {
	var faults domain.FaultList
	if format != "" {
		faults.Add(s.Profiles.CheckFormat(format))
	}
	if len(claim.Request) > 0 {
		faults.Add(s.Clients.CheckRequest(claim.Request))
		faults.Add(domain.CheckKeyFile(claim.KeyFile))
	}
	if len(claim.Token) < minClaimToken {
		faults.Add(domain.Fault(domain.Invalid, "token", domain.ReasonTooShort, minClaimToken))
	}
	return faults.Err()
}

// spend marks an enrolment as claimed, unless it was claimed by the same caller just now. A wrong
// PIN is counted in a transaction that is committed, so however many come at once no more than
// MaxEnrolmentTries are looked at.
func (s *Enrolments) spend(ctx context.Context, id int64, claim Claim) error {
	var refused error
	err := s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		refused = nil
		e, err := tx.Enrolments().Lock(ctx, id)
		if err != nil {
			return none, err
		}
		before, now := e, s.Now()
		if repeats(e, claim, now) {
			return none, nil
		}
		if err := checkOpen(ctx, tx, e, now); err != nil {
			return none, err
		}
		if !pinFits(e, claim) {
			e.Tries++
			refused = domain.Fault(domain.Invalid, "pin", domain.ReasonPIN, domain.MaxEnrolmentTries-e.Tries)
		} else {
			e.ClaimedAt, e.ClaimedFrom = now, domain.OriginOf(ctx).AddressText()
			e.ClaimHash = hash(string(claim.Token))
		}
		if err := tx.Enrolments().Update(ctx, e); err != nil {
			return none, err
		}
		return enrolments.Changed(domain.ActionClaim, before, e), nil
	})
	if err != nil {
		return err
	}
	return refused
}

// repeats reports whether the claim is that of whoever has claimed the enrolment just now.
func repeats(e domain.Enrolment, claim Claim, now time.Time) bool {
	return e.State(now) == domain.EnrolmentClaimed && now.Before(e.ClaimedAt.Add(domain.EnrolmentRepeat)) &&
		equal(e.ClaimHash, hash(string(claim.Token)))
}

// checkOpen refuses an enrolment that can't be claimed any more, or never could.
func checkOpen(ctx context.Context, tx domain.Store, e domain.Enrolment, now time.Time) error {
	switch e.State(now) {
	case domain.EnrolmentClaimed:
		return domain.Fault(domain.Rule, "id", domain.ReasonLinkClaimed)
	case domain.EnrolmentRevoked:
		return domain.Fault(domain.Rule, "id", domain.ReasonLinkRevoked)
	case domain.EnrolmentLocked:
		return domain.Fault(domain.Rule, "id", domain.ReasonLinkLocked)
	case domain.EnrolmentExpired:
		return domain.Fault(domain.Rule, "id", domain.ReasonLinkExpired)
	}
	return checkSite(ctx, tx, e.ClientID, e.InstanceID)
}

func equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }
