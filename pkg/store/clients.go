package store

import (
	"context"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type clientRow struct {
	ID           int64 `gorm:"primaryKey"`
	CAID         int64
	Name         string
	NameKey      string
	Description  string
	Country      string
	Province     string
	City         string
	Organization string
	Sector       string
	Email        string
	ExpiresAt    time.Time
	Expired      bool // as of the last MarkExpired; only for the indexes
	RevokedAt    *time.Time
	CreatedAt    time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt    time.Time `gorm:"autoUpdateTime:false"`
}

const clientColumns = "id, ca_id, name, name_key, description, country, province, city, organization, sector, email, " +
	"expires_at, expired, revoked_at, created_at, updated_at"

func (clientRow) TableName() string { return "clients" }

func (r clientRow) key() int64 { return r.ID }

func (r clientRow) entity() domain.Client {
	return domain.Client{
		ID: r.ID, CAID: r.CAID, Name: r.Name, Description: r.Description,
		Subject: domain.Subject{
			Country: r.Country, Province: r.Province, City: r.City, Organization: r.Organization, Sector: r.Sector, Email: r.Email,
		},
		ExpiresAt: r.ExpiresAt.UTC(), RevokedAt: orZero(r.RevokedAt), CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
}

func toClientRow(c domain.Client) clientRow {
	return clientRow{
		ID: c.ID, CAID: c.CAID, Name: c.Name, NameKey: domain.NameKey(c.Name), Description: c.Description,
		Country: c.Country, Province: c.Province, City: c.City, Organization: c.Organization, Sector: c.Sector, Email: c.Email,
		ExpiresAt: micro(c.ExpiresAt), RevokedAt: optional(c.RevokedAt), CreatedAt: micro(c.CreatedAt), UpdatedAt: micro(c.UpdatedAt),
	}
}

type clients struct{ s *Store }

// Page implements domain.Clients.
func (r clients) Page(ctx context.Context, filter domain.ClientFilter, req domain.PageRequest) (domain.Page[domain.Client], error) {
	restrict := func(db *gorm.DB) *gorm.DB { return restrictClients(db, filter) }
	return page[clientRow, domain.Client](ctx, r.s.read, restrict, clientColumns, req)
}

// restrictClients spells the conditions on the state as the partial indexes have them.
func restrictClients(db *gorm.DB, f domain.ClientFilter) *gorm.DB {
	if f.CAID != 0 {
		db = db.Where("ca_id = ?", f.CAID)
	}
	switch f.Status {
	case domain.StatusValid:
		db = db.Where("NOT expired AND revoked_at IS NULL")
	case domain.StatusExpired:
		db = db.Where("expired")
	case domain.StatusRevoked:
		db = db.Where("revoked_at IS NOT NULL")
	}
	if f.Name != "" {
		db = restrictName(db, domain.NameKey(f.Name))
	}
	return db
}

// likeEscapes keeps what LIKE gives a meaning from having one, and gives `*` its own.
var likeEscapes = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`, `*`, `%`)

// restrictName adds the condition on the name. The text before the first `*` is also a range of the index on names.
func restrictName(db *gorm.DB, pattern string) *gorm.DB {
	if !storable(pattern) {
		return db.Where("1 = 0")
	}
	prefix, _, wild := strings.Cut(pattern, "*")
	if !wild {
		return db.Where("name_key = ?", pattern)
	}
	if prefix != "" {
		db = db.Where("name_key >= ? AND name_key < ?", prefix, prefix+"\U0010FFFF")
	}
	return db.Where(`name_key LIKE ? ESCAPE '\'`, likeEscapes.Replace(pattern))
}

// Get implements domain.Clients.
func (r clients) Get(ctx context.Context, id int64) (domain.Client, error) {
	var found clientRow
	err := r.s.read.WithContext(ctx).Take(&found, id).Error
	return found.entity(), translate(err, faults{})
}

// Lock implements domain.Clients.
func (r clients) Lock(ctx context.Context, id int64) (domain.Client, error) {
	var found clientRow
	err := r.s.write.WithContext(ctx).Clauses(forUpdate).Take(&found, id).Error
	return found.entity(), translate(err, faults{})
}

// NameTaken implements domain.Clients.
func (r clients) NameTaken(ctx context.Context, name string) (bool, error) {
	return nameTaken[clientRow](ctx, r.s.read, name)
}

// Create implements domain.Clients.
func (r clients) Create(ctx context.Context, c *domain.Client) error {
	record := toClientRow(*c)
	if err := r.s.write.WithContext(ctx).Create(&record).Error; err != nil {
		return translate(err, duplicated("name_key", "name").orForeign(domain.NotFound, "ca_id", domain.ReasonNotFound))
	}
	c.ID = record.ID
	return nil
}

// Update implements domain.Clients.
func (r clients) Update(ctx context.Context, c domain.Client) error {
	record := toClientRow(c)
	done := r.s.write.WithContext(ctx).Model(&record).Select(recordColumns).Updates(&record)
	return changedOne(done)
}

// Revoke implements domain.Clients.
func (r clients) Revoke(ctx context.Context, id int64, at time.Time) error {
	done := r.s.write.WithContext(ctx).Model(&clientRow{}).Where("id = ?", id).
		Updates(map[string]any{"revoked_at": micro(at), "updated_at": micro(at)})
	return changedOne(done)
}

// MarkExpired implements domain.Clients. Most of the time there is nothing to mark, and it only reads.
func (r clients) MarkExpired(ctx context.Context, now time.Time, limit int) (int, error) {
	var ended []int64
	err := r.s.read.WithContext(ctx).Model(&clientRow{}).Where("NOT expired AND expires_at <= ?", micro(now)).
		Order("expires_at").Limit(limit).Pluck("id", &ended).Error
	if err != nil || len(ended) == 0 {
		return 0, err
	}
	done := r.s.write.WithContext(ctx).Model(&clientRow{}).Where("id IN ?", ended).UpdateColumn("expired", true)
	return len(ended), done.Error
}
