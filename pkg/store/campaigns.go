package store

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// storedBefore is the JSON form of what a campaign changes. The names are those of the first
// release; they stay when the names in domain change.
type storedBefore struct {
	Changes []string         `json:"changes"`
	Remotes []storedEndpoint `json:"remotes"`
	Proto   string           `json:"proto"`
	Port    int              `json:"port"`
	Control string           `json:"control_channel"`
}

// storedProgress is the JSON form of domain.Progress.
type storedProgress struct {
	Current int `json:"current"`
	Stale   int `json:"stale"`
	Linked  int `json:"linked"`
	Never   int `json:"never"`
}

type campaignRow struct {
	ID          int64 `gorm:"primaryKey"`
	InstanceID  int64
	FromVersion int64
	Version     int64
	Before      storedObject[storedBefore]
	Final       storedObject[storedProgress]
	StartedAt   time.Time
	EndedAt     *time.Time
	Forced      bool
}

const campaignColumns = "id, instance_id, from_version, version, before, final, started_at, ended_at, forced"

func (campaignRow) TableName() string { return "campaigns" }

func (r *campaignRow) key() *int64 { return &r.ID }

func (r *campaignRow) fields() []any {
	return []any{
		&r.ID, &r.InstanceID, &r.FromVersion, &r.Version, &r.Before, &r.Final, &r.StartedAt, &r.EndedAt, &r.Forced,
	}
}

func (r *campaignRow) entity() domain.Campaign {
	before := r.Before.object
	return domain.Campaign{
		ID: r.ID, InstanceID: r.InstanceID, FromVersion: r.FromVersion, Version: r.Version,
		Changes: each(before.Changes, func(c string) domain.CampaignChange { return domain.CampaignChange(c) }),
		Before: domain.CampaignBefore{
			Remotes: each(before.Remotes, storedEndpoint.entity), Proto: domain.Transport(before.Proto),
			Port: before.Port, Control: domain.ControlChannel(before.Control),
		},
		StartedAt: r.StartedAt.UTC(), EndedAt: orZero(r.EndedAt), Forced: r.Forced,
		Final: domain.Progress(r.Final.object),
	}
}

func toCampaignRow(c domain.Campaign) campaignRow {
	return campaignRow{
		ID: c.ID, InstanceID: c.InstanceID, FromVersion: c.FromVersion, Version: c.Version,
		Before: storedObject[storedBefore]{storedBefore{
			Changes: each(c.Changes, func(c domain.CampaignChange) string { return string(c) }),
			Remotes: each(c.Before.Remotes, toStoredEndpoint), Proto: string(c.Before.Proto), Port: c.Before.Port,
			Control: string(c.Before.Control),
		}},
		Final:     storedObject[storedProgress]{storedProgress(c.Final)},
		StartedAt: micro(c.StartedAt), EndedAt: optional(c.EndedAt), Forced: c.Forced,
	}
}

type campaigns struct {
	records[campaignRow, domain.Campaign, *campaignRow]
}

var campaignTable = table[campaignRow, domain.Campaign]{
	list: listing{table: "campaigns", columns: campaignColumns}, row: toCampaignRow,
	id:      func(c *domain.Campaign) *int64 { return &c.ID },
	updated: []string{"version", "before", "final", "ended_at", "forced"},
	stored:  duplicated("instance_id", "instance_id").orForeign(domain.NotFound, "instance_id", domain.ReasonNotFound),
}

// Page implements domain.Campaigns.
func (r campaigns) Page(
	ctx context.Context, instanceID int64, req domain.PageRequest,
) (domain.Page[domain.Campaign], error) {
	l := r.kept.list
	r.s.restrictOwner(&l, "instance_id", instanceID)
	return page[campaignRow, domain.Campaign](ctx, r.s.read, l, req)
}

// RemoveOf implements domain.Campaigns.
func (r campaigns) RemoveOf(ctx context.Context, instanceID int64) error {
	return r.s.write.WithContext(ctx).Exec("DELETE FROM campaigns WHERE instance_id = ?", instanceID).Error
}
