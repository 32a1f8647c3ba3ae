package vault

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/seal"
)

// Authorizations are the use cases of authorizations: the credentials of applications.
type Authorizations struct {
	Control *access.Control
	Keys    *seal.Keyring
}

// IssuedAuthorization is an authorization with its secrets, which are shown once.
type IssuedAuthorization struct {
	domain.PAMAuthorization
	// empty if the application's method has none; for the method none, Token is the secret
	Secret, TokenSecret domain.Secret
}

// Page lists the authorizations of an application, or all of them if the id is 0.
func (s *Authorizations) Page(
	ctx context.Context, applicationID int64, req domain.PageRequest,
) (domain.Page[domain.PAMAuthorization], error) {
	page, err := s.Control.Store.PAMAuthorizations().Page(ctx, applicationID, req)
	for i := range page.Items {
		page.Items[i] = concealed(page.Items[i])
	}
	return page, err
}

// Get returns one authorization.
func (s *Authorizations) Get(ctx context.Context, id int64) (domain.PAMAuthorization, error) {
	a, err := s.Control.Store.PAMAuthorizations().Get(ctx, id)
	return concealed(a), err
}

// The sizes of keys and secrets in hexadecimal digits are the vendor's.
const (
	publicDigits = 41
	secretDigits = 32
)

func randomHex(digits int) string {
	octets := make([]byte, (digits+1)/2)
	rand.Read(octets)
	return hex.EncodeToString(octets)[:digits]
}

// Create makes an authorization of an application.
func (s *Authorizations) Create(ctx context.Context, a domain.PAMAuthorization) (IssuedAuthorization, error) {
	return s.issue(ctx, func() (domain.PAMAuthorization, error) { return s.create(ctx, a) })
}

func (s *Authorizations) create(ctx context.Context, a domain.PAMAuthorization) (domain.PAMAuthorization, error) {
	a.Name = domain.CleanName(a.Name)
	if a.Resources == nil {
		a.Resources = domain.DefaultPAMResources()
	}
	if err := a.Validate(); err != nil {
		return a, err
	}
	now := s.Control.Now()
	a.Generation, a.Binding, a.CreatedAt, a.UpdatedAt = 1, domain.NewBinding(), now, now
	a.Key = randomHex(publicDigits)
	err := s.Control.Change(ctx, func(ctx context.Context, tx domain.Store) (none audit.Change, err error) {
		application, err := tx.Applications().Get(ctx, a.ApplicationID)
		if domain.IsKind(err, domain.Missing) {
			err = domain.Fault(domain.NotFound, "application_id", domain.ReasonNotFound)
		}
		if err != nil {
			return none, err
		}
		a.Application = application
		if err := cmp.Or(
			mayAuthorize(ctx, a), access.MayFree(ctx, domain.Restrictions{}, a.Holder().Restrictions(), true),
		); err != nil {
			return none, err
		}
		if err := listedDevices(ctx, tx, a.Devices); err != nil {
			return none, err
		}
		if application.Method == domain.AuthOAuth1 {
			a.Token = randomHex(publicDigits)
		}
		s.seal(&a, newSecrets(application.Method))
		if err := tx.PAMAuthorizations().Create(ctx, &a); err != nil {
			return none, err
		}
		return authorizations.Created(a), nil
	})
	return a, err
}

// mayAuthorize refuses a caller that lacks the rights on devices which the authorization would
// have.
func mayAuthorize(ctx context.Context, a domain.PAMAuthorization) error {
	needed := []domain.Permission{{Scope: domain.ScopeDevices, Read: true, Write: a.Write}}
	return access.MayGrant(ctx, "authorization", false, domain.RightsOf(needed))
}

// listedDevices refuses a list that names a device twice or one that does not exist. Devices are
// never deleted, so a list that is accepted stays valid.
func listedDevices(ctx context.Context, tx domain.Store, ids []int64) error {
	present, err := tx.Devices().Some(ctx, ids)
	if err != nil {
		return err
	}
	var faults domain.FaultList
	for i, id := range ids {
		field := fmt.Sprintf("devices[%d]", i)
		switch {
		case !slices.ContainsFunc(present, func(d domain.Device) bool { return d.ID == id }):
			faults.Add(domain.Fault(domain.NotFound, field, domain.ReasonNotFound))
		case slices.Contains(ids[:i], id):
			faults.Add(domain.Fault(domain.Duplicated, field, domain.ReasonTwice))
		}
	}
	return faults.Err()
}

func newSecrets(method domain.AuthMethod) secretPair {
	switch method {
	case domain.AuthUnsigned:
		return secretPair{secret: domain.Secret(randomHex(publicDigits))} // becomes the token
	case domain.AuthOAuth1:
		return secretPair{domain.Secret(randomHex(secretDigits)), domain.Secret(randomHex(secretDigits))}
	}
	return secretPair{secret: domain.Secret(randomHex(secretDigits))}
}

// Update changes an authorization. Its keys and secrets stay the same.
func (s *Authorizations) Update(
	ctx context.Context, id int64, update domain.PAMAuthorizationUpdate,
) (domain.PAMAuthorization, error) {
	a, err := s.edit(ctx, id, domain.ActionUpdate, func(a *domain.PAMAuthorization) error { return update.Apply(a) })
	return concealed(a), err
}

// Rotate gives an authorization new secrets. The previous secrets, and the access tokens made with
// them, remain valid for the overlap. For the method none the token is the secret: there is a new
// token, and the previous one ends at once.
func (s *Authorizations) Rotate(ctx context.Context, id int64, overlap time.Duration) (IssuedAuthorization, error) {
	if err := domain.CheckOverlap(overlap); err != nil {
		return IssuedAuthorization{}, err
	}
	rotate := func(a *domain.PAMAuthorization) error {
		a.Generation++
		a.Binding = a.Binding.Next()
		a.PreviousUntil, a.Secrets.Previous = time.Time{}, nil
		if overlap > 0 && a.Application.Method != domain.AuthUnsigned {
			a.PreviousUntil, a.Secrets.Previous = s.Control.Now().Add(overlap), a.Secrets.Present
		}
		s.seal(a, newSecrets(a.Application.Method))
		return nil
	}
	return s.issue(ctx, func() (domain.PAMAuthorization, error) { return s.edit(ctx, id, domain.ActionRotate, rotate) })
}

func (s *Authorizations) edit(
	ctx context.Context, id int64, action domain.Action, fn func(*domain.PAMAuthorization) error,
) (a domain.PAMAuthorization, err error) {
	err = s.Control.Change(ctx, func(ctx context.Context, tx domain.Store) (none audit.Change, err error) {
		before, err := tx.PAMAuthorizations().Get(ctx, id)
		if err != nil {
			return none, err
		}
		a = before
		if err := fn(&a); err != nil {
			return none, err
		}
		err = cmp.Or(
			mayAuthorize(ctx, before), mayAuthorize(ctx, a),
			access.MayFree(ctx, before.Holder().Restrictions(), a.Holder().Restrictions(), s.gives(before, a)),
		)
		if err != nil || authorizations.Same(before, a) {
			return none, err
		}
		if err := listedDevices(ctx, tx, a.Devices); err != nil {
			return none, err
		}
		// the secrets work again once it is enabled, the access tokens made with them do not
		if before.Enabled && !a.Enabled {
			a.Binding = a.Binding.Closed()
		}
		a.UpdatedAt = s.Control.Now()
		if err := tx.PAMAuthorizations().Update(ctx, a); err != nil {
			return none, err
		}
		return authorizations.Changed(action, before, a), nil
	})
	return a, err
}

// gives reports whether a change gives an authorization anything. A change that only takes away,
// renames or restricts does not.
func (s *Authorizations) gives(before, after domain.PAMAuthorization) bool {
	now := s.Control.Now()
	if after.Holder().Active(now) && !before.Holder().Active(now) {
		return true
	}
	before.Name, before.ExpiresAt, before.AllowedIPs = after.Name, after.ExpiresAt, after.AllowedIPs
	before.Enabled, before.Write = before.Enabled && after.Enabled, before.Write && after.Write
	return !reflect.DeepEqual(before, after)
}

// Delete removes an authorization. Its keys and tokens stop working.
func (s *Authorizations) Delete(ctx context.Context, id int64) error {
	return s.Control.Change(ctx, func(ctx context.Context, tx domain.Store) (none audit.Change, err error) {
		a, err := tx.PAMAuthorizations().Get(ctx, id)
		if err != nil {
			return none, err
		}
		if err := mayAuthorize(ctx, a); err != nil {
			return none, err
		}
		if err := tx.PAMAuthorizations().Delete(ctx, id); err != nil {
			return none, err
		}
		return authorizations.Deleted(a), nil
	})
}
