package tunnel

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/openvpn"
)

// Configs are the use cases of what an instance does for a site.
type Configs struct {
	Store    domain.Store
	Recorder *audit.Recorder
	Now      func() time.Time
}

// Page lists the configs of a client. Errors: *domain.Error with Missing.
func (s *Configs) Page(
	ctx context.Context, clientID int64, req domain.PageRequest,
) (page domain.Page[domain.SiteConfig], err error) {
	if _, err := ofSite(s.Store.Clients().Get(ctx, clientID)); err != nil {
		return page, err
	}
	found, err := s.Store.ClientConfigs().Page(ctx, clientID, req)
	if err != nil {
		return page, err
	}
	networks, err := s.Store.Networks().OfClient(ctx, clientID)
	at := map[int64][]domain.Network{}
	for _, n := range networks {
		at[n.InstanceID] = append(at[n.InstanceID], n)
	}
	page = domain.Page[domain.SiteConfig]{
		Items: make([]domain.SiteConfig, len(found.Items)), Current: found.Current, Next: found.Next,
		Previous: found.Previous,
	}
	for i, c := range found.Items {
		if err != nil {
			break
		}
		var instance domain.Instance
		instance, err = s.Store.Instances().Get(ctx, c.InstanceID)
		page.Items[i] = domain.SiteConfig{
			ClientConfig: c, SiteNetworks: domain.SiteNetworksOf(at[c.InstanceID]), InstanceVersion: instance.Version,
			Configured: true,
		}
	}
	return page, err
}

// Get returns one config, or the defaults where none was set. Errors: *domain.Error with Missing
// for a client or an instance that does not exist.
func (s *Configs) Get(ctx context.Context, clientID, instanceID int64) (domain.SiteConfig, error) {
	client, err := ofSite(s.Store.Clients().Get(ctx, clientID))
	if err != nil {
		return domain.SiteConfig{}, err
	}
	instance, err := s.Store.Instances().Get(ctx, instanceID)
	if err != nil {
		return domain.SiteConfig{}, err
	}
	config, _, err := configOf(ctx, s.Store, client, instance)
	return config, err
}

// configOf returns a config, or the defaults, with its entries of the plan.
func configOf(
	ctx context.Context, store domain.Store, client domain.Client, instance domain.Instance,
) (config domain.SiteConfig, entries []domain.Network, err error) {
	stored, err := store.ClientConfigs().Get(ctx, instance.ID, client.ID)
	if domain.IsKind(err, domain.Missing) {
		return unset(client, instance), nil, nil
	}
	if err != nil {
		return config, nil, err
	}
	entries, err = store.Networks().OfSite(ctx, instance.ID, client.ID)
	return domain.SiteConfig{
		ClientConfig: stored, SiteNetworks: domain.SiteNetworksOf(entries), InstanceVersion: instance.Version,
		Configured: true,
	}, entries, err
}

// unset is the config of a site that was never set: as old as the younger of the two.
func unset(client domain.Client, instance domain.Instance) domain.SiteConfig {
	at := client.CreatedAt
	if instance.CreatedAt.After(at) {
		at = instance.CreatedAt
	}
	return domain.SiteConfig{InstanceVersion: instance.Version, ClientConfig: domain.ClientConfig{
		InstanceID: instance.ID, ClientID: client.ID, CreatedAt: at, UpdatedAt: at,
	}}
}

// Put changes a config. The first change makes the site one of the instance, and gives it the next
// free address of each tunnel network unless the change says otherwise.
//
// Errors: *domain.Error with Missing for a client or an instance that does not exist; the faults of
// the fields; with Rule for a client of another CA or one that is revoked for good, and for LANs
// that overlap; with Duplicated for an address of another site.
func (s *Configs) Put(
	ctx context.Context, clientID, instanceID int64, update domain.ClientConfigUpdate,
) (config domain.SiteConfig, err error) {
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		change, err := s.begin(ctx, tx, clientID, instanceID)
		if err != nil {
			return none, err
		}
		config = change.before
		if err := change.admit(ctx, s.Now()); err != nil {
			return none, err
		}
		return change.put(ctx, update, s.Now(), &config)
	})
	return config, err
}

// Remove takes a site away from an instance. Its addresses and LANs are free then. Removing it
// again changes nothing. Errors: *domain.Error with Missing for a client or an instance that does
// not exist.
func (s *Configs) Remove(ctx context.Context, clientID, instanceID int64) error {
	return s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		change, err := s.begin(ctx, tx, clientID, instanceID)
		if err != nil || !change.before.Configured {
			return none, err
		}
		if err := drop(ctx, tx, instanceID, clientID); err != nil {
			return none, err
		}
		return change.told(domain.ActionDelete, change.facts(change.before), nil), nil
	})
}

// begin locks what a change of a config relies on.
func (s *Configs) begin(ctx context.Context, tx domain.Store, clientID, instanceID int64) (*change, error) {
	client, err := ofSite(tx.Clients().Lock(ctx, clientID))
	if err != nil {
		return nil, err
	}
	return beginOf(ctx, tx, client, instanceID)
}

// ofSite is Missing for a client that is no site.
func ofSite(c domain.Client, err error) (domain.Client, error) {
	if err == nil && c.Kind != domain.Site2Site {
		err = domain.Fault(domain.Missing, "id", domain.ReasonNotFound)
	}
	return c, err
}

// beginOf is begin for a client that is locked.
func beginOf(ctx context.Context, tx domain.Store, client domain.Client, instanceID int64) (c *change, err error) {
	c = &change{tx: tx, client: client}
	if c.instance, err = tx.Instances().Lock(ctx, instanceID); err != nil {
		return c, err
	}
	c.gateway = domain.NameKey(c.instance.Gateway)
	if err := tx.Networks().Lock(ctx, c.gateway); err != nil {
		return c, err
	}
	c.before, c.entries, err = configOf(ctx, tx, c.client, c.instance)
	return c, err
}

// change is a change of a config, in its transaction.
type change struct {
	tx       domain.Store
	client   domain.Client
	instance domain.Instance
	gateway  string
	before   domain.SiteConfig
	entries  []domain.Network // what the plan had of it
	stay     []domain.Network // what of that stays
	released []string         // the sites that have lost their config, because they are revoked
}

// put makes the change. It sets config to what is stored then.
func (c *change) put(
	ctx context.Context, update domain.ClientConfigUpdate, now time.Time, config *domain.SiteConfig,
) (none audit.Change, err error) {
	after := c.before
	if err := applied(update, &after); err != nil {
		return none, err
	}
	addresses := errors.Join(
		c.claimAddress(ctx, ipv4, &after, update.StaticIP != nil),
		c.claimAddress(ctx, ipv6, &after, update.StaticIPv6 != nil),
	)
	if err := errors.Join(addresses, c.claimLANs(ctx, after)); err != nil {
		return none, err
	}
	was, is := c.facts(c.before), c.facts(after)
	if c.before.Configured && same(was, is) {
		return none, nil
	}
	after.UpdatedAt, after.Configured = now, true
	if !reflect.DeepEqual(c.before.SiteNetworks, after.SiteNetworks) {
		after.Revision++ // the profile has them
	}
	action := domain.ActionUpdate
	if !c.before.Configured {
		after.CreatedAt, was, action = now, nil, domain.ActionCreate
	}
	if err := c.tx.ClientConfigs().Put(ctx, after.ClientConfig); err != nil {
		return none, err
	}
	if err := c.store(ctx, after); err != nil {
		return none, err
	}
	*config = after
	done := c.told(action, was, is)
	done.Result = after
	return done, nil
}

// applied makes the change of the fields, and checks the directives that a user adds to the file of
// a site.
func applied(update domain.ClientConfigUpdate, c *domain.SiteConfig) error {
	err := update.Apply(c)
	if update.ExtraConf == nil {
		return err
	}
	_, problems := openvpn.Check(c.ExtraConf, openvpn.ScopeCCD)
	return errors.Join(err, DirectiveFaults("extra_conf", problems))
}

// store adds the entries of the plan that are new.
func (c *change) store(ctx context.Context, after domain.SiteConfig) error {
	stay := map[domain.Network]bool{}
	for _, n := range c.stay {
		stay[bare(n)] = true
	}
	var add []domain.Network
	for _, n := range after.Entries() {
		if !stay[n] {
			n.Gateway, n.InstanceID, n.ClientID = c.gateway, c.instance.ID, c.client.ID
			add = append(add, n)
		}
	}
	return c.tx.Networks().Add(ctx, add)
}

// told is the change as the audit tells of it.
func (c *change) told(action domain.Action, before, after audit.Facts) audit.Change {
	facts := after
	if facts == nil {
		facts = before
	}
	facts["instance_id"], facts["instance"] = c.instance.ID, c.instance.Name
	if len(c.released) > 0 {
		facts["released"] = c.released
	}
	return audit.Change{
		Action: action, Resource: domain.ResourceConfigs, ID: c.client.ID, Name: c.client.Name, Before: before,
		After: after, Details: []slog.Attr{slog.String("instance", c.instance.Name)},
	}
}
