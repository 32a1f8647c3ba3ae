package tunnel

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
)

// RemoteUsers are the use cases of users: clients of the kind Site2User, each with its place at one
// instance.
type RemoteUsers struct {
	Store    domain.Store
	Recorder *audit.Recorder
	Clients  *pki.Clients // of the kind Site2User
	Now      func() time.Time
}

// Page lists users.
func (s *RemoteUsers) Page(
	ctx context.Context, filter domain.ClientFilter, req domain.PageRequest,
) (page domain.Page[domain.RemoteUser], err error) {
	found, err := s.Clients.Page(ctx, filter, req)
	if err != nil {
		return page, err
	}
	page = domain.Page[domain.RemoteUser]{Current: found.Current, Next: found.Next, Previous: found.Previous}
	page.Items, err = placed(ctx, s.Store, found.Items)
	return page, err
}

// Get returns one user. Errors: *domain.Error with Missing, also for a site.
func (s *RemoteUsers) Get(ctx context.Context, id int64) (domain.RemoteUser, error) {
	client, err := s.Clients.Get(ctx, id)
	return s.with(ctx, client, err)
}

// Instance returns the id of the instance that a user is at. Errors: those of Get; *domain.Error
// with Rule on instance_id for a user who is at none.
func (s *RemoteUsers) Instance(ctx context.Context, id int64) (int64, error) {
	user, err := s.Get(ctx, id)
	if err == nil && user.InstanceID == 0 {
		err = domain.Fault(domain.Rule, "instance_id", domain.ReasonNoPlace)
	}
	return user.InstanceID, err
}

// Revoke is [pki.Clients.Revoke].
func (s *RemoteUsers) Revoke(
	ctx context.Context, id int64, spec domain.RevocationSpec,
) (domain.RemoteUser, error) {
	client, err := s.Clients.Revoke(ctx, id, spec)
	return s.with(ctx, client, err)
}

// Suspend is [pki.Clients.Suspend].
func (s *RemoteUsers) Suspend(ctx context.Context, id int64) (domain.RemoteUser, error) {
	client, err := s.Clients.Suspend(ctx, id)
	return s.with(ctx, client, err)
}

// Resume is [pki.Clients.Resume].
func (s *RemoteUsers) Resume(ctx context.Context, id int64) (domain.RemoteUser, error) {
	client, err := s.Clients.Resume(ctx, id)
	return s.with(ctx, client, err)
}

// Renew is [pki.Clients.Renew].
func (s *RemoteUsers) Renew(
	ctx context.Context, id int64, asked domain.ClientRenewal,
) (domain.RemoteUser, error) {
	client, err := s.Clients.Renew(ctx, id, asked)
	return s.with(ctx, client, err)
}

// with adds the place of a user.
func (s *RemoteUsers) with(ctx context.Context, client domain.Client, err error) (domain.RemoteUser, error) {
	if err != nil {
		return domain.RemoteUser{}, err
	}
	return placedOne(ctx, s.Store, client)
}

func placedOne(ctx context.Context, store domain.Store, client domain.Client) (domain.RemoteUser, error) {
	list, err := placed(ctx, store, []domain.Client{client})
	if err != nil {
		return domain.RemoteUser{}, err
	}
	return list[0], nil
}

// placed adds the places of users, which it reads together.
func placed(ctx context.Context, store domain.Store, list []domain.Client) ([]domain.RemoteUser, error) {
	users, ids, at := make([]domain.RemoteUser, len(list)), make([]int64, len(list)), map[int64]*domain.RemoteUser{}
	for i, client := range list {
		users[i], ids[i] = domain.RemoteUser{Client: client}, client.ID
		at[client.ID] = &users[i]
	}
	configs, err := store.ClientConfigs().OfClients(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, config := range configs {
		user := at[config.ClientID]
		user.InstanceID, user.PushRoutes = config.InstanceID, config.PushRoutes
	}
	networks, err := store.Networks().OfClients(ctx, ids)
	for _, network := range networks {
		if ip := domain.SiteNetworksOf([]domain.Network{network}).StaticIP; ip.IsValid() {
			at[network.ClientID].IP = ip
		}
	}
	return users, err
}

// missingInstance says of an instance that there is not that the field is at fault which names it.
func missingInstance(err error) error {
	if domain.IsKind(err, domain.Missing) {
		return domain.Fault(domain.NotFound, "instance_id", domain.ReasonNotFound)
	}
	return err
}

// caOf returns the CA of a new user: the one that is asked for, or that of the instance.
func (s *RemoteUsers) caOf(ctx context.Context, caID int64, place domain.UserPlace) (int64, error) {
	if place.InstanceID == nil {
		if caID == 0 {
			return 0, domain.Fault(domain.Required, "ca_id", domain.ReasonCAOrVPN)
		}
		return caID, nil
	}
	instance, err := s.Store.Instances().Get(ctx, *place.InstanceID)
	if caID == 0 {
		caID = instance.CAID
	}
	return caID, missingInstance(err)
}
