package store

import (
	"context"
	"strconv"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// openLink is the condition on an enrolment that can still be claimed, at a time.
var openLink = "e.instance_id = s.instance_id AND e.client_id = s.client_id AND e.revoked_at IS NULL AND " +
	"e.claimed_at IS NULL AND e.tries < " + strconv.Itoa(domain.MaxEnrolmentTries) + " AND e.expires_at > ?"

type profileRow struct {
	clientID, version, revision, profileVersion, profileRevision int64
	ofUser                                                       bool
	name, format                                                 string
	fetchedAt                                                    *time.Time
	linkID                                                       *int64
	linkCreatedAt, linkExpiresAt                                 *time.Time
}

const profileColumns = "s.client_id, s.of_user, c.name, i.version, s.revision, s.profile_version, s.profile_revision, " +
	"s.profile_format, s.profile_fetched_at, l.id, l.created_at, l.expires_at"

func (r *profileRow) key() *int64 { return &r.clientID }

func (r *profileRow) fields() []any {
	return []any{
		&r.clientID, &r.ofUser, &r.name, &r.version, &r.revision, &r.profileVersion, &r.profileRevision, &r.format,
		&r.fetchedAt, &r.linkID, &r.linkCreatedAt, &r.linkExpiresAt,
	}
}

func (r *profileRow) entity() domain.SiteProfile {
	p := domain.SiteProfile{
		ClientID: r.clientID, Kind: kindOf(r.ofUser), Name: r.name, State: domain.ProfileStale,
		Version: r.profileVersion, Format: r.format,
		FetchedAt: orZero(r.fetchedAt), LinkCreatedAt: orZero(r.linkCreatedAt), LinkExpiresAt: orZero(r.linkExpiresAt),
	}
	if r.linkID != nil {
		p.LinkID = *r.linkID
	}
	switch {
	case r.profileVersion == 0:
		p.State = domain.ProfileNever
	case r.profileVersion >= r.version && r.profileRevision >= r.revision:
		p.State = domain.ProfileCurrent
	case p.LinkID != 0:
		p.State = domain.ProfileLinked
	}
	return p
}

const (
	current = "s.profile_version >= i.version AND s.profile_revision >= s.revision"
	behind  = "s.profile_version > 0 AND (s.profile_version < i.version OR s.profile_revision < s.revision)"
)

// profileStates are the conditions on the sites of each state.
var profileStates = map[domain.ProfileState]string{
	domain.ProfileNever:   "s.profile_version = 0",
	domain.ProfileCurrent: current,
	domain.ProfileStale:   behind + " AND l.id IS NULL",
	domain.ProfileLinked:  behind + " AND l.id IS NOT NULL",
}

// sitesInForce are the configs with their clients and instances. CROSS JOIN keeps SQLite from
// beginning with the clients.
func (s *Store) sitesInForce() string {
	join := " JOIN "
	if s.engine == SQLite {
		join = " CROSS JOIN "
	}
	return "client_configs s" + join + "clients c ON c.id = s.client_id" + join + "instances i ON i.id = s.instance_id"
}

// Profiles implements domain.ClientConfigs.
func (r clientConfigs) Profiles(
	ctx context.Context, f domain.SiteProfileFilter, req domain.PageRequest,
) (domain.Page[domain.SiteProfile], error) {
	l := listing{
		table: r.s.sitesInForce() + " LEFT JOIN enrolments l ON l.id = (SELECT MAX(e.id) FROM enrolments e WHERE " +
			openLink + ")",
		columns: profileColumns, id: "s.client_id", args: []any{micro(f.At)},
	}
	r.s.restrictOwner(&l, "s.instance_id", f.InstanceID)
	l.restrict("c.revoked_at IS NULL")
	l.restrict("c.expires_at > ?", micro(f.At))
	if f.State != "" {
		l.restrict(profileStates[f.State])
	}
	return page[profileRow, domain.SiteProfile](ctx, r.s.read, l, req)
}

// Progress implements domain.ClientConfigs.
func (r clientConfigs) Progress(
	ctx context.Context, instanceID int64, at time.Time,
) (counts domain.Progress, err error) {
	query := "SELECT COUNT(CASE WHEN state = 0 THEN 1 END), COUNT(CASE WHEN state = 1 THEN 1 END), " +
		"COUNT(CASE WHEN state = 2 THEN 1 END), COUNT(CASE WHEN state = 3 THEN 1 END) FROM (SELECT CASE " +
		"WHEN s.profile_version = 0 THEN 0 WHEN " + current + " THEN 1 " +
		"WHEN EXISTS (SELECT 1 FROM enrolments e WHERE " + openLink + ") THEN 2 ELSE 3 END AS state FROM " +
		r.s.sitesInForce() + " WHERE s.instance_id = ? AND c.revoked_at IS NULL AND c.expires_at > ?) AS sites"
	places := []any{&counts.Never, &counts.Current, &counts.Linked, &counts.Stale}
	return counts, scan(ctx, r.s.read, places, query, micro(at), instanceID, micro(at))
}

// Fetched implements domain.ClientConfigs.
func (r clientConfigs) Fetched(
	ctx context.Context, instanceID, clientID int64, profile domain.FetchedProfile,
) error {
	const query = `UPDATE client_configs SET profile_version = ?, profile_revision = ?, profile_format = ?,
		profile_fetched_at = ? WHERE instance_id = ? AND client_id = ?`
	done := r.s.write.WithContext(ctx).Exec(
		query, profile.Version, profile.Revision, profile.Format, optional(profile.At), instanceID, clientID,
	)
	return changedOne(done, faults{})
}

// Outdate implements domain.ClientConfigs.
func (r clientConfigs) Outdate(ctx context.Context, instanceID int64, format string) error {
	const query = "UPDATE client_configs SET revision = revision + 1 WHERE instance_id = ? AND profile_format = ?"
	return r.s.write.WithContext(ctx).Exec(query, instanceID, format).Error
}
