package tunnel

import (
	"context"
	"errors"
	"maps"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
	"github.com/chaveiro/chaveiro/pkg/pki"
)

// remoteUsers describes changes of users to the audit and the log.
var remoteUsers = audit.Resource[domain.RemoteUser]{
	Scope: domain.ScopeClients,
	Facts: func(u domain.RemoteUser) audit.Facts {
		facts := placeFacts(u)
		facts["description"], facts["email"], facts["country"] = u.Description, u.Email, u.Country
		facts["province"], facts["city"] = u.Province, u.City
		facts["organization"], facts["sector"] = u.Organization, u.Sector
		return facts
	},
	Name: func(u domain.RemoteUser) (int64, string) { return u.ID, u.Name },
}

func placeFacts(u domain.RemoteUser) audit.Facts {
	return audit.Facts{
		"instance_id": u.InstanceID, "ip": addressText(u.IP), "push_routes": audit.Prefixes(u.PushRoutes),
	}
}

// Create issues a certificate for a new user and gives the user a place at an instance, if one is
// asked for: the given address, or the next free one as sites get it. All of it is stored or
// nothing.
//
// Errors: those of [pki.Clients.Create]; the faults of the place: NotFound on instance_id, Rule on
// ip or push_routes without an instance, and those of [Configs.Put].
func (s *RemoteUsers) Create(
	ctx context.Context, spec domain.ClientSpec, place domain.UserPlace,
) (domain.RemoteUser, error) {
	return idempotency.Do(ctx, s.Recorder.Results, func() (user domain.RemoteUser, err error) {
		var caErr error
		spec.CAID, caErr = s.caOf(ctx, spec.CAID, place)
		if err := errors.Join(caErr, spec.Validate(), place.Check(0)); err != nil {
			return user, err
		}
		_, err = s.Clients.CreatePlaced(ctx, spec, s.placing(place, &user))
		return user, err
	})
}

// Import registers a user whose certificate was made elsewhere by the CA, with a place as in
// Create. One that is revoked gets none.
func (s *RemoteUsers) Import(
	ctx context.Context, in domain.ClientImport, place domain.UserPlace,
) (domain.RemoteUser, error) {
	return idempotency.Do(ctx, s.Recorder.Results, func() (user domain.RemoteUser, err error) {
		var caErr error
		in.CAID, caErr = s.caOf(ctx, in.CAID, place)
		if err := errors.Join(caErr, in.Validate(s.Now()), place.Check(0)); err != nil {
			return user, err
		}
		_, err = s.Clients.ImportPlaced(ctx, in, s.placing(place, &user))
		return user, err
	})
}

// placing gives a new user the place, and sets user to what is stored then.
func (s *RemoteUsers) placing(place domain.UserPlace, user *domain.RemoteUser) pki.Place {
	return func(ctx context.Context, tx domain.Store, client domain.Client, done *audit.Change) error {
		*user = domain.RemoteUser{Client: client}
		if place.Changes(0) && !client.Revoked() {
			released, err := s.put(ctx, tx, user, place)
			if err != nil {
				return err
			}
			tellReleased(done, released)
		}
		maps.Copy(done.After, placeFacts(*user))
		done.Result = *user
		return nil
	}
}

func tellReleased(done *audit.Change, released []string) {
	if len(released) > 0 {
		done.After["released"] = released
	}
}

// Update changes the record of a user, and the place. A user who is at no instance is given one; to
// another one nobody moves.
//
// Errors: those of [pki.Clients.Update]; *domain.Error with Invalid on instance_id for another
// instance; those of Create for the place.
func (s *RemoteUsers) Update(
	ctx context.Context, id int64, update domain.ClientUpdate, place domain.UserPlace,
) (user domain.RemoteUser, err error) {
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (done audit.Change, err error) {
		lock := func(ctx context.Context, id int64) (domain.RemoteUser, error) { return s.lock(ctx, tx, id) }
		store := func(ctx context.Context, u domain.RemoteUser) error { return tx.Clients().Update(ctx, u.Client) }
		var released []string
		user, done, err = remoteUsers.Edit(ctx, id, lock, store, func(u *domain.RemoteUser) error {
			u.UpdatedAt = s.Now()
			err := errors.Join(update.Apply(&u.Client), place.Check(u.InstanceID))
			if err == nil && place.Changes(u.InstanceID) {
				released, err = s.put(ctx, tx, u, place)
			}
			return err
		})
		if done.After != nil {
			done.After["kind"] = domain.Site2User.String()
			tellReleased(&done, released)
		}
		return done, err
	})
	return user, err
}

// lock returns a user that no other transaction can change until this one ends.
func (s *RemoteUsers) lock(ctx context.Context, tx domain.Store, id int64) (domain.RemoteUser, error) {
	client, err := s.Clients.Lock(ctx, tx, id)
	if err != nil {
		return domain.RemoteUser{}, err
	}
	return placedOne(ctx, tx, client)
}

// put changes the config of a user at the instance, and sets user to what is stored then. It
// returns who has lost a config by that.
func (s *RemoteUsers) put(
	ctx context.Context, tx domain.Store, user *domain.RemoteUser, place domain.UserPlace,
) (released []string, err error) {
	if user.InstanceID == 0 {
		user.InstanceID = *place.InstanceID
	}
	change, err := beginOf(ctx, tx, user.Client, user.InstanceID)
	if err != nil {
		return nil, missingInstance(err)
	}
	if err := change.admit(ctx, s.Now()); err != nil {
		return nil, err
	}
	config := change.before
	if _, err := change.put(ctx, place.Config(), s.Now(), &config); err != nil {
		return nil, domain.UserFault(err)
	}
	user.IP, user.PushRoutes = config.StaticIP, config.PushRoutes
	return change.released, nil
}
