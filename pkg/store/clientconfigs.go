package store

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// storedConfig is the JSON form of domain.ClientConfigSettings. The names are those of the first
// release; they stay when the names in domain change.
type storedConfig struct {
	PushRoutes   []netip.Prefix `json:"push_routes"`
	PushReset    bool           `json:"push_reset"`
	ExtraConf    string         `json:"extra_conf"`
	DNSServer    netip.Addr     `json:"dns_server"`
	DNSDomain    string         `json:"dns_domain"`
	MaxRoutes    int            `json:"max_routes"`
	AllowOverlap bool           `json:"allow_overlap"`
}

type configRow struct {
	InstanceID       int64
	ClientID         int64
	Settings         storedObject[storedConfig]
	Revision         int64
	ProfileVersion   int64
	ProfileRevision  int64
	ProfileFormat    string
	ProfileFetchedAt *time.Time
	CreatedAt        time.Time
	UpdatedAt        time.Time
}

const configColumns = "instance_id, client_id, settings, revision, profile_version, profile_revision, profile_format, " +
	"profile_fetched_at, created_at, updated_at"

// key is the instance: a page is of one client.
func (r *configRow) key() *int64 { return &r.InstanceID }

func (r *configRow) fields() []any {
	return []any{
		&r.InstanceID, &r.ClientID, &r.Settings, &r.Revision, &r.ProfileVersion, &r.ProfileRevision, &r.ProfileFormat,
		&r.ProfileFetchedAt, &r.CreatedAt, &r.UpdatedAt,
	}
}

func (r *configRow) entity() domain.ClientConfig {
	return domain.ClientConfig{
		InstanceID: r.InstanceID, ClientID: r.ClientID,
		ClientConfigSettings: domain.ClientConfigSettings(r.Settings.object),
		CreatedAt:            r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
		Revision: r.Revision, ProfileVersion: r.ProfileVersion, ProfileRevision: r.ProfileRevision,
		ProfileFormat: r.ProfileFormat, ProfileFetchedAt: orZero(r.ProfileFetchedAt),
	}
}

// siteRow is a config with its client.
type siteRow struct {
	configRow
	client clientRow
}

func (r *siteRow) fields() []any { return append(r.configRow.fields(), r.client.fields()...) }

func (r *siteRow) entity() domain.Site {
	return domain.Site{ClientConfig: r.configRow.entity(), Client: r.client.entity()}
}

type clientConfigs struct{ s *Store }

// Page implements domain.ClientConfigs.
func (r clientConfigs) Page(
	ctx context.Context, clientID int64, req domain.PageRequest,
) (domain.Page[domain.ClientConfig], error) {
	l := listing{table: "client_configs", columns: configColumns, id: "instance_id"}
	r.s.restrictOwner(&l, "client_id", clientID)
	return page[configRow, domain.ClientConfig](ctx, r.s.read, l, req)
}

// Get implements domain.ClientConfigs.
func (r clientConfigs) Get(ctx context.Context, instanceID, clientID int64) (domain.ClientConfig, error) {
	var found configRow
	query := "SELECT " + configColumns + " FROM client_configs WHERE instance_id = ? AND client_id = ?"
	if err := scan(ctx, r.s.read, found.fields(), query, instanceID, clientID); err != nil {
		return domain.ClientConfig{}, translate(err, faults{})
	}
	return found.entity(), nil
}

// OfClients implements domain.ClientConfigs.
func (r clientConfigs) OfClients(ctx context.Context, clientIDs []int64) (list []domain.ClientConfig, err error) {
	query := "SELECT " + configColumns + " FROM client_configs WHERE client_id IN ? ORDER BY client_id, instance_id"
	for batch := range slices.Chunk(clientIDs, insertBatch) {
		rows, err := find[configRow, domain.ClientConfig](ctx, r.s.read, query, []any{batch})
		if err != nil {
			return nil, err
		}
		list = append(list, each(rows, func(row configRow) domain.ClientConfig { return row.entity() })...)
	}
	return list, nil
}

// Put implements domain.ClientConfigs.
func (r clientConfigs) Put(ctx context.Context, c domain.ClientConfig) error {
	const query = `INSERT INTO client_configs
			(instance_id, client_id, of_user, settings, revision, created_at, updated_at)
		VALUES (?, ?, COALESCE((SELECT of_user FROM clients WHERE id = ?), false), ?, ?, ?, ?)
		ON CONFLICT (instance_id, client_id) DO UPDATE SET settings = excluded.settings,
		revision = excluded.revision, updated_at = excluded.updated_at`
	settings := storedObject[storedConfig]{storedConfig(c.ClientConfigSettings)}
	return r.s.atomic(ctx, func(tx *Store) error {
		done := tx.write.WithContext(ctx).Exec(query, c.InstanceID, c.ClientID, c.ClientID, settings, c.Revision,
			micro(c.CreatedAt), micro(c.UpdatedAt))
		if done.Error != nil {
			as := duplicated("client_id", "instance_id").orForeign(domain.NotFound, "client_id", domain.ReasonNotFound)
			return translate(done.Error, as)
		}
		return tx.revise(ctx, c.InstanceID)
	})
}

// revise increments the revision of an instance.
func (s *Store) revise(ctx context.Context, instanceID int64) error {
	return s.write.WithContext(ctx).
		Exec("UPDATE instances SET revision = revision + 1 WHERE id = ?", instanceID).Error
}

// Delete implements domain.ClientConfigs.
func (r clientConfigs) Delete(ctx context.Context, instanceID, clientID int64) error {
	return r.s.atomic(ctx, func(tx *Store) error {
		done := tx.write.WithContext(ctx).
			Exec("DELETE FROM client_configs WHERE instance_id = ? AND client_id = ?", instanceID, clientID)
		if err := changedOne(done, faults{}); err != nil {
			return err
		}
		return tx.revise(ctx, instanceID)
	})
}

// After implements domain.ClientConfigs.
func (r clientConfigs) After(
	ctx context.Context, instanceID, clientID int64, limit int,
) ([]domain.ClientConfig, error) {
	query := "SELECT " + configColumns + ` FROM client_configs WHERE instance_id = ? AND client_id > ?
		ORDER BY client_id LIMIT ?`
	rows, err := find[configRow, domain.ClientConfig](ctx, r.s.read, query, []any{instanceID, clientID, limit})
	return each(rows, func(row configRow) domain.ClientConfig { return row.entity() }), err
}

// Sites implements domain.ClientConfigs.
func (r clientConfigs) Sites(ctx context.Context, instanceID, clientID int64, limit int) ([]domain.Site, error) {
	query := "SELECT " + qualified("s", configColumns) + ", " + qualified("c", clientColumns) +
		` FROM client_configs s JOIN clients c ON c.id = s.client_id WHERE s.instance_id = ? AND s.client_id > ?
		AND c.id > ? ORDER BY s.client_id LIMIT ?` // for both, so that a merge of them begins there
	rows, err := find[siteRow, domain.Site](ctx, r.s.read, query, []any{instanceID, clientID, clientID, limit})
	return each(rows, func(row siteRow) domain.Site { return row.entity() }), err
}

// Namesakes implements domain.ClientConfigs.
func (r clientConfigs) Namesakes(ctx context.Context, instanceID, clientID int64, name string) ([]int64, error) {
	const query = `SELECT c.id FROM clients c JOIN client_configs s ON s.client_id = c.id AND s.instance_id = ?
		WHERE c.name_key = ? AND c.id <> ? ORDER BY c.id`
	return r.ids(ctx, query, instanceID, domain.NameKey(name), clientID)
}

// Any implements domain.ClientConfigs.
func (r clientConfigs) Any(ctx context.Context, instanceID int64) (bool, error) {
	found, err := r.ids(ctx, "SELECT client_id FROM client_configs WHERE instance_id = ? LIMIT 1", instanceID)
	return len(found) > 0, err
}

func (r clientConfigs) ids(ctx context.Context, query string, args ...any) (list []int64, err error) {
	err = returned(ctx, r.s.read, query, args, func(scan func(...any) error) error {
		var id int64
		err := scan(&id)
		list = append(list, id)
		return err
	})
	return list, err
}

// Key implements domain.ClientConfigs.
func (r clientConfigs) Key(ctx context.Context, instanceID, clientID int64) (key domain.SiteKey, err error) {
	const query = `SELECT sealed_control, control_serial, control_version FROM client_configs
		WHERE instance_id = ? AND client_id = ?`
	places := []any{&key.Sealed, &key.Serial, &key.Version}
	err = scan(ctx, r.s.read, places, query, instanceID, clientID)
	return key, translate(err, faults{})
}

// KeepKey implements domain.ClientConfigs.
func (r clientConfigs) KeepKey(
	ctx context.Context, instanceID, clientID int64, before, after domain.SiteKey,
) (bool, error) {
	query := `UPDATE client_configs SET sealed_control = ?, control_serial = ?, control_version = ?
		WHERE instance_id = ? AND client_id = ? AND control_serial = ? AND control_version = ? AND sealed_control `
	args := []any{after.Sealed, after.Serial, after.Version, instanceID, clientID, before.Serial, before.Version}
	if before.Sealed == nil {
		query += "IS NULL"
	} else {
		query, args = query+"= ?", append(args, before.Sealed)
	}
	done := r.s.write.WithContext(ctx).Exec(query, args...)
	return done.RowsAffected > 0, done.Error
}
