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

type users struct {
	holders[userRow, domain.User, *userRow]
}

var userTable = table[userRow, domain.User]{
	list: listing{table: "users", columns: userColumns}, row: toUserRow,
	id: func(u *domain.User) *int64 { return &u.ID },
	updated: []string{
		"username", "username_key", "email", "fullname", "superuser", "enabled", "password_hash", "generation",
		"binding", "updated_at",
	},
	stored: duplicated("username_key", "username"),
}

var userRoles = assignments[domain.User]{
	table: "user_roles", holder: "user_id", roles: func(u *domain.User) *[]domain.Role { return &u.Roles },
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
	user := rows[0].entity()
	err = r.assign(ctx, &user)
	return user, err
}

// Rehash implements domain.Users.
func (r users) Rehash(ctx context.Context, id int64, before, after domain.Secret) error {
	return r.s.write.WithContext(ctx).
		Exec(
			"UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ?", string(after), id, string(before),
		).Error
}
