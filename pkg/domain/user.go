package domain

import (
	"context"
	"errors"
	"time"
)

// User is a person who signs in with a password.
type User struct {
	ID           int64
	Username     string
	Email        string
	FullName     string
	Superuser    bool
	Roles        []Role
	Enabled      bool
	PasswordHash Secret // PHC string
	Generation   int64  // counts the passwords, and how often the user was disabled; tokens of an earlier one are not valid
	Binding      string // see Binding.Own
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Rights is what the user may do by the roles.
func (u User) Rights() Rights { return RightsOfRoles(u.Roles) }

// Holder is what the user has in common with apikeys.
func (u User) Holder() Holder {
	return Holder{
		Kind: PrincipalUser, ID: u.ID, Name: u.Username, Superuser: u.Superuser, Rights: u.Rights(), Enabled: u.Enabled, Generation: u.Generation,
		Binding: Binding{Own: u.Binding},
	}
}

// Validate joins the faults of all fields but the roles and the password.
func (u User) Validate() error {
	return errors.Join(checkName("username", u.Username), checkEmail(u.Email), checkText("fullname", u.FullName, MaxName, false))
}

// UserUpdate is a partial change: nil is unchanged.
type UserUpdate struct {
	Username  *string // accepted when it is the present one
	Email     *string
	FullName  *string
	Password  *Secret
	Superuser *bool
	Roles     []int64 // replaces the whole list
	Enabled   *bool
}

// Apply changes u, save for its roles and password, or says which fields are at fault and leaves u in an undefined state.
func (c UserUpdate) Apply(u *User) error {
	username := fixedName("username", c.Username, u.Username)
	set(&u.Email, c.Email)
	set(&u.FullName, c.FullName)
	set(&u.Superuser, c.Superuser)
	set(&u.Enabled, c.Enabled)
	var password error
	if c.Password != nil {
		password = CheckUserPassword(u.Username, *c.Password)
	}
	return errors.Join(username, u.Validate(), password, CheckRoleIDs(c.Roles))
}

// Users keeps the users, with their roles by ascending id. Errors: *Error with Missing, Duplicated on username.
type Users interface {
	Page(ctx context.Context, page PageRequest) (Page[User], error)
	Get(ctx context.Context, id int64) (User, error)
	// Named returns the user of a name, regardless of case.
	Named(ctx context.Context, username string) (User, error)
	// Create stores u with the roles and sets its ID.
	Create(ctx context.Context, u *User) error
	Update(ctx context.Context, u User) error
	// Rehash stores a password hash if the present one is still before.
	Rehash(ctx context.Context, id int64, before, after Secret) error
	Delete(ctx context.Context, id int64) error
}
