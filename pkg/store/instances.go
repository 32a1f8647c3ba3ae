package store

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type instanceRow struct {
	ID            int64 `gorm:"primaryKey"`
	ModelID       *int64
	CAID          int64
	CertificateID int64
	Name          string
	NameKey       string
	Gateway       string
	GatewayKey    string
	Description   string
	Subject       domain.Subject `gorm:"embedded"`
	Settings      storedObject[storedInstance]
	Version       int64
	CampaignID    *int64
	RenewAt       time.Time
	ReloadedAt    *time.Time
	CreatedAt     time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt     time.Time `gorm:"autoUpdateTime:false"`

	ExpiresAt time.Time  `gorm:"-"` // of the certificate
	RevokedAt *time.Time `gorm:"-"`
}

// instanceColumns are the columns of an instance, followed by those of its certificate. Its keys
// are read separately.
const instanceColumns = "i.id, i.model_id, i.ca_id, i.certificate_id, i.name, i.gateway, i.description, i.country, " +
	"i.province, i.city, i.organization, i.sector, i.email, i.settings, i.version, i.campaign_id, i.renew_at, i.reloaded_at, " +
	"i.created_at, i.updated_at, c.not_after, c.revoked_at"

func (instanceRow) TableName() string { return "instances" }

func (r *instanceRow) key() *int64 { return &r.ID }

func (r *instanceRow) fields() []any {
	return []any{
		&r.ID, &r.ModelID, &r.CAID, &r.CertificateID, &r.Name, &r.Gateway, &r.Description, &r.Subject.Country,
		&r.Subject.Province, &r.Subject.City, &r.Subject.Organization, &r.Subject.Sector, &r.Subject.Email,
		&r.Settings, &r.Version, &r.CampaignID, &r.RenewAt, &r.ReloadedAt, &r.CreatedAt, &r.UpdatedAt,
		&r.ExpiresAt, &r.RevokedAt,
	}
}

func (r *instanceRow) entity() domain.Instance {
	i := domain.Instance{
		ID: r.ID, CAID: r.CAID, CertificateID: r.CertificateID, Name: r.Name, Gateway: r.Gateway,
		Description: r.Description, Subject: r.Subject, InstanceSettings: r.Settings.object.entity(),
		Version: r.Version, RenewAt: r.RenewAt.UTC(), ReloadedAt: orZero(r.ReloadedAt),
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
		ExpiresAt: r.ExpiresAt.UTC(), RevokedAt: orZero(r.RevokedAt),
	}
	if r.ModelID != nil {
		i.ModelID = *r.ModelID
	}
	if r.CampaignID != nil {
		i.CampaignID = *r.CampaignID
	}
	return i
}

func toInstanceRow(i domain.Instance) instanceRow {
	r := instanceRow{
		ID: i.ID, CAID: i.CAID, CertificateID: i.CertificateID, Name: i.Name, NameKey: domain.NameKey(i.Name),
		Gateway: i.Gateway, GatewayKey: domain.NameKey(i.Gateway), Description: i.Description, Subject: i.Subject,
		Settings: storedObject[storedInstance]{toStoredInstance(i.InstanceSettings)}, Version: i.Version,
		RenewAt: micro(i.RenewAt), ReloadedAt: optional(i.ReloadedAt), CreatedAt: micro(i.CreatedAt),
		UpdatedAt: micro(i.UpdatedAt),
	}
	if i.ModelID != 0 {
		r.ModelID = &i.ModelID
	}
	if i.CampaignID != 0 {
		r.CampaignID = &i.CampaignID
	}
	return r
}

// newInstanceRow is an instanceRow with the keys, which Create sets.
type newInstanceRow struct {
	Record        instanceRow `gorm:"embedded"`
	SealedControl []byte
	SealedEarlier []byte
}

func (newInstanceRow) TableName() string { return "instances" }

type instances struct {
	records[instanceRow, domain.Instance, *instanceRow]
}

var instanceTable = table[instanceRow, domain.Instance]{
	list: listing{
		table: "instances i JOIN certificates c ON c.id = i.certificate_id", keyTable: "instances i",
		columns: instanceColumns, id: "i.id",
	},
	row: toInstanceRow,
	updated: []string{
		"model_id", "ca_id", "certificate_id", "name", "name_key", "gateway", "gateway_key", "description", "country",
		"province", "city", "organization", "sector", "email", "settings", "version", "campaign_id", "renew_at",
		"reloaded_at", "updated_at",
	},
	stored:  duplicated("name_key", "name").orForeign(domain.NotFound, "model_id", domain.ReasonNotFound),
	deleted: faults{}.orForeign(domain.Rule, "id", domain.ReasonInUse),
}

// Page implements domain.Instances.
func (r instances) Page(
	ctx context.Context, filter domain.InstanceFilter, req domain.PageRequest,
) (domain.Page[domain.Instance], error) {
	l := instanceTable.list
	if filter.CAID != 0 {
		r.s.restrictOwner(&l, "i.ca_id", filter.CAID)
	}
	l.restrictText("i.name_key", filter.Name)
	l.restrictText("i.gateway_key", filter.Gateway)
	return page[instanceRow, domain.Instance](ctx, r.s.read, l, req)
}

// restrictText selects the rows with a name, regardless of case; with any, if it is empty.
func (l *listing) restrictText(column, name string) {
	switch {
	case name == "":
	case !storable(name):
		l.restrict("1 = 0")
	default:
		l.restrict(column+" = ?", domain.NameKey(name))
	}
}

const markOfInstance = `SELECT i.ca_id, i.certificate_id, i.revision, i.updated_at, i.reloaded_at, m.updated_at, i.sealed_control,
		i.sealed_earlier
	FROM instances i LEFT JOIN instance_models m ON m.id = i.model_id WHERE i.id = ?`

// Mark implements domain.Instances.
func (r instances) Mark(ctx context.Context, id int64) (domain.InstanceMark, error) {
	var m domain.InstanceMark
	var reloaded, model *time.Time
	places := []any{&m.CAID, &m.CertificateID, &m.Revision, &m.UpdatedAt, &reloaded, &model, &m.Control, &m.Earlier}
	if err := scan(ctx, r.s.read, places, markOfInstance, id); err != nil {
		return domain.InstanceMark{}, translate(err, faults{})
	}
	m.UpdatedAt, m.ReloadedAt, m.ModelAt = m.UpdatedAt.UTC(), orZero(reloaded), orZero(model)
	return m, nil
}

// Lock implements domain.Instances. Who adds rows that refer to the instance does not wait.
func (r instances) Lock(ctx context.Context, id int64) (domain.Instance, error) {
	query := "SELECT " + instanceColumns + " FROM " + instanceTable.list.table + " WHERE i.id = ?"
	if r.s.engine == Postgres {
		query += " FOR NO KEY UPDATE OF i"
	}
	var found instanceRow
	if err := scan(ctx, r.s.write, found.fields(), query, id); err != nil {
		return domain.Instance{}, translate(err, faults{})
	}
	return found.entity(), nil
}

// Keys implements domain.Instances.
func (r instances) Keys(ctx context.Context, id int64) (keys domain.InstanceKeys, err error) {
	query := "SELECT sealed_control, sealed_earlier, version, COALESCE(campaign_id, 0) FROM instances WHERE id = ?"
	places := []any{&keys.Control, &keys.Earlier, &keys.Version, &keys.CampaignID}
	err = scan(ctx, r.s.read, places, query, id)
	return keys, translate(err, faults{})
}

// Create implements domain.Instances. SQLite does not say which foreign key is violated, so the
// model is looked up first.
func (r instances) Create(ctx context.Context, i *domain.Instance, keys domain.InstanceKeys) error {
	return r.s.atomic(ctx, func(tx *Store) error {
		if i.ModelID != 0 {
			if _, err := tx.InstanceModels().Get(ctx, i.ModelID); domain.IsKind(err, domain.Missing) {
				return domain.Fault(domain.NotFound, "model_id", domain.ReasonNotFound)
			} else if err != nil {
				return err
			}
		}
		record := newInstanceRow{toInstanceRow(*i), keys.Control, keys.Earlier}
		record.Record.ID = 0 // an attempt that was rolled back may have set it
		if err := tx.write.WithContext(ctx).Create(&record).Error; err != nil {
			as := duplicated("name_key", "name").orForeign(domain.NotFound, "ca_id", domain.ReasonNotFound)
			return translate(err, as)
		}
		i.ID = record.Record.ID
		return nil
	})
}

// SetKeys implements domain.Instances.
func (r instances) SetKeys(ctx context.Context, id int64, keys domain.InstanceKeys) error {
	values := map[string]any{"sealed_control": keys.Control, "sealed_earlier": keys.Earlier}
	done := r.s.write.WithContext(ctx).Model(&instanceRow{}).Where("id = ?", id).UpdateColumns(values)
	return changedOne(done, faults{})
}

// Revise implements domain.Instances.
func (r instances) Revise(ctx context.Context, id int64) error {
	done := r.s.write.WithContext(ctx).Exec("UPDATE instances SET revision = revision + 1 WHERE id = ?", id)
	return changedOne(done, faults{})
}

// Outdate implements domain.Instances.
func (r instances) Outdate(ctx context.Context, caID int64) error {
	const query = `WITH RECURSIVE family (id) AS (
			SELECT id FROM cas WHERE id = ? UNION SELECT c.id FROM cas c JOIN family f ON c.parent_id = f.id
		) UPDATE instances SET version = version + 1 WHERE ca_id IN (SELECT id FROM family)`
	return r.s.write.WithContext(ctx).Exec(query, caID).Error
}

// Renewable implements domain.Instances.
func (r instances) Renewable(ctx context.Context, now time.Time, limit int) ([]domain.Instance, error) {
	return r.some(ctx, "i.renew_at <= ? AND c.revoked_at IS NULL ORDER BY i.renew_at, i.id LIMIT ?", micro(now), limit)
}

// OfModel implements domain.Instances.
func (r instances) OfModel(ctx context.Context, modelID int64) ([]domain.Instance, error) {
	return r.some(ctx, "i.model_id = ? ORDER BY i.id", modelID)
}

// some reads the instances that a condition selects.
func (r instances) some(ctx context.Context, condition string, args ...any) ([]domain.Instance, error) {
	query := "SELECT " + instanceColumns + " FROM " + instanceTable.list.table + " WHERE " + condition
	rows, err := find[instanceRow, domain.Instance](ctx, r.s.read, query, args)
	list := make([]domain.Instance, len(rows))
	for k := range rows {
		list[k] = rows[k].entity()
	}
	return list, err
}
