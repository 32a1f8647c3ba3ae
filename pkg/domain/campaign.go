package domain

import (
	"context"
	"slices"
	"time"
)

// CampaignChange is what a campaign brings to sites.
type CampaignChange string

// The changes.
const (
	ChangedRemotes  CampaignChange = "remotes"         // addresses, ports or protocols
	ChangedControl  CampaignChange = "control_channel" // a protection of another kind
	ChangedKey      CampaignChange = "control_key"     // another key of the same kind
	ChangedSettings CampaignChange = "settings"        // what works with either: TLS profile, reneg_sec, remote_random
)

// Campaign is the time in which the sites of an instance go over to new profiles. While it runs,
// what was before works as well as what is new, as far as OpenVPN allows it. At most one runs at an
// instance.
type Campaign struct {
	ID          int64
	InstanceID  int64
	FromVersion int64 // of the instance before the first change
	Version     int64 // of the instance after the last one
	Changes     []CampaignChange
	Before      CampaignBefore
	StartedAt   time.Time
	EndedAt     time.Time // zero: it runs
	Forced      bool      // it was ended while sites had earlier profiles
	Final       Progress  // when it ended
}

// CampaignProgress is a campaign with how far it is; of one that has ended, how far it was then.
type CampaignProgress struct {
	Campaign
	Progress Progress
}

// CampaignBefore is what the instance had before the first change.
type CampaignBefore struct {
	Remotes []Remote // with port and protocol
	Proto   Transport
	Port    int
	Control ControlChannel
}

// Running reports whether the campaign has not ended.
func (c Campaign) Running() bool { return c.EndedAt.IsZero() }

// Has reports whether the campaign brings a change.
func (c Campaign) Has(change CampaignChange) bool { return slices.Contains(c.Changes, change) }

// Rekeys reports whether the campaign brings another key or protection of the control channel.
func (c Campaign) Rekeys() bool { return c.Has(ChangedControl) || c.Has(ChangedKey) }

// TakesBoth reports whether a server can take the earlier protection of the control channel and the
// later one at once: OpenVPN does so with tls-crypt-v2 beside one of the others.
func (c Campaign) TakesBoth(later ControlChannel) bool {
	earlier := c.Before.Control
	return earlier != NoControl && later != NoControl && (earlier == TLSCryptV2) != (later == TLSCryptV2)
}

// Earlier are the remotes of before that are not among those of an instance.
func (c Campaign) Earlier(i Instance) []Remote {
	present := i.Resolved()
	return slices.DeleteFunc(slices.Clone(c.Before.Remotes), func(r Remote) bool { return slices.Contains(present, r) })
}

// BeginCampaign is a campaign of an instance that is going to change.
func BeginCampaign(before Instance, now time.Time) Campaign {
	return Campaign{
		InstanceID: before.ID, FromVersion: before.Version, StartedAt: now,
		Before: CampaignBefore{
			Remotes: before.Resolved(), Proto: before.Proto, Port: before.Port, Control: before.Control,
		},
	}
}

// Extend adds a change from before to after. rekeyed says that the key of the control channel is
// another one.
func (c *Campaign) Extend(before, after Instance, rekeyed bool) {
	c.Version = after.Version
	c.note(!slices.Equal(before.Resolved(), after.Resolved()) || before.Port != after.Port ||
		before.Proto != after.Proto, ChangedRemotes)
	c.note(before.Control != after.Control, ChangedControl)
	c.note(rekeyed && before.Control == after.Control, ChangedKey)
	c.note(before.TLSProfile != after.TLSProfile || before.RenegotiateSecs != after.RenegotiateSecs ||
		before.RemoteRandom != after.RemoteRandom, ChangedSettings)
}

func (c *Campaign) note(changed bool, change CampaignChange) {
	if changed && !c.Has(change) {
		c.Changes = append(c.Changes[:len(c.Changes):len(c.Changes)], change)
	}
}

// Resolved are the remotes of an instance, each with its port and protocol.
func (i Instance) Resolved() []Remote {
	list := make([]Remote, len(i.Remotes))
	for n, remote := range i.Remotes {
		if remote.Port == 0 {
			remote.Port = i.Port
		}
		if remote.Proto == "" {
			remote.Proto = i.Proto
		}
		list[n] = remote
	}
	return list
}

// Campaigns keeps the campaigns.
//
// The group Campaigns of the suite tests it.
type Campaigns interface {
	// Page returns one page of the campaigns of an instance, by ascending id. See PageRequest for
	// its bounds.
	Page(ctx context.Context, instanceID int64, page PageRequest) (Page[Campaign], error)
	// Get returns one campaign. Errors: Missing.
	Get(ctx context.Context, id int64) (Campaign, error)
	// Create stores c and sets c.ID. Errors: NotFound on instance_id; Duplicated on instance_id
	// when one runs there already.
	Create(ctx context.Context, c *Campaign) error
	// Update stores the version, the changes, and the end. Errors: Missing.
	Update(ctx context.Context, c Campaign) error
	// RemoveOf removes the campaigns of an instance, which is going to be deleted.
	RemoveOf(ctx context.Context, instanceID int64) error
}
