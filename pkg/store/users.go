package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type userRow struct {
	ID           int64 `gorm:"primaryKey"`
	Username     string
	UsernameKey  string
	Email        string
	FullName     string `gorm:"column:fullname"`
	Superuser    bool
	Enabled      bool
	PasswordHash string
	Generation   int64
	Binding      string
	CreatedAt    time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt    time.Time `gorm:"autoUpdateTime:false"`
}

const userColumns = "id, username, email, fullname, superuser, enabled, password_hash, generation, binding, created_at, updated_at"

func (userRow) TableName() string { return "users" }

func (r *userRow) key() *int64 { return &r.ID }

func (r *userRow) fields() []any {
	return []any{
		&r.ID, &r.Username, &r.Email, &r.FullName, &r.Superuser, &r.Enabled, &r.PasswordHash, &r.Generation, &r.Binding,
		&r.CreatedAt, &r.UpdatedAt,
	}
}

func (r *userRow) entity() domain.User {
	return domain.User{
		ID: r.ID, Username: r.Username, Email: r.Email, FullName: r.FullName, Superuser: r.Superuser,
		Enabled:      r.Enabled,
		PasswordHash: domain.Secret(r.PasswordHash), Generation: r.Generation, Binding: r.Binding,
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
}

func toUserRow(u domain.User) userRow {
	return userRow{
		ID: u.ID, Username: u.Username, UsernameKey: domain.NameKey(u.Username), Email: u.Email, FullName: u.FullName,
		Superuser: u.Superuser,
		Enabled:   u.Enabled, PasswordHash: string(u.PasswordHash), Generation: u.Generation, Binding: u.Binding,
		CreatedAt: micro(u.CreatedAt), UpdatedAt: micro(u.UpdatedAt),
	}
}

type users struct{ s *Store }

var userTable = listing{table: "users", columns: userColumns}

// Page implements domain.Users.
func (r users) Page(ctx context.Context, req domain.PageRequest) (domain.Page[domain.User], error) {
	found, err := page[userRow, domain.User](ctx, r.s.read, userTable, req)
	if err != nil {
		return found, err
	}
	ids := make([]int64, len(found.Items))
	for i, user := range found.Items {
		ids[i] = user.ID
	}
	roles, err := userRoles.of(ctx, r.s.read, ids)
	for i := range found.Items {
		found.Items[i].Roles = roles[found.Items[i].ID]
	}
	return found, err
}

// Get implements domain.Users.
func (r users) Get(ctx context.Context, id int64) (domain.User, error) {
	user, err := take[userRow, domain.User](ctx, r.s.read, userTable, id)
	return r.withRoles(ctx, user, err)
}

// Named implements domain.Users.
func (r users) Named(ctx context.Context, username string) (domain.User, error) {
	if !storable(username) {
		return domain.User{}, translate(gorm.ErrRecordNotFound, faults{})
	}
	query := "SELECT " + userColumns + " FROM users WHERE username_key = ?"
	rows, err := find[userRow, domain.User](ctx, r.s.read, query, []any{domain.NameKey(username)})
	if err == nil && len(rows) == 0 {
		err = gorm.ErrRecordNotFound
	}
	if err != nil {
		return domain.User{}, translate(err, faults{})
	}
	return r.withRoles(ctx, rows[0].entity(), nil)
}

func (r users) withRoles(ctx context.Context, user domain.User, err error) (domain.User, error) {
	if err != nil {
		return user, err
	}
	roles, err := userRoles.of(ctx, r.s.read, []int64{user.ID})
	user.Roles = roles[user.ID]
	return user, err
}

// Create implements domain.Users.
func (r users) Create(ctx context.Context, u *domain.User) error {
	record := toUserRow(*u)
	err := r.s.atomic(ctx, func(tx *Store) error {
		record.ID = 0 // the database gives it, also when this is tried again
		if err := tx.write.WithContext(ctx).Create(&record).Error; err != nil {
			return translate(err, duplicated("username_key", "username"))
		}
		return userRoles.add(ctx, tx.write, record.ID, u.Roles)
	})
	if err == nil {
		u.ID = record.ID
	}
	return err
}

// Update implements domain.Users.
func (r users) Update(ctx context.Context, u domain.User) error {
	record := toUserRow(u)
	return r.s.atomic(ctx, func(tx *Store) error {
		done := tx.write.WithContext(ctx).Model(&record).Select("*").Omit("id", "created_at").Updates(&record)
		if err := changedOne(done, duplicated("username_key", "username")); err != nil {
			return err
		}
		return userRoles.replace(ctx, tx.write, u.ID, u.Roles)
	})
}

// Rehash implements domain.Users.
func (r users) Rehash(ctx context.Context, id int64, before, after domain.Secret) error {
	return r.s.write.WithContext(ctx).
		Exec(
			"UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ?", string(after), id, string(before),
		).Error
}

// Delete implements domain.Users.
func (r users) Delete(ctx context.Context, id int64) error {
	return changedOne(r.s.write.WithContext(ctx).Delete(&userRow{}, id), faults{})
}
