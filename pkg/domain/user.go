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
	// counts the passwords, and how often the user was disabled; tokens of an earlier generation
	// are not valid
	Generation int64
	Binding    string // see Binding.Own
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// Rights is what the roles of the user allow.
func (u User) Rights() Rights { return RightsOfRoles(u.Roles) }

// Holder is what the user has in common with apikeys.
func (u User) Holder() Holder {
	return Holder{
		Kind: PrincipalUser, ID: u.ID, Name: u.Username, Superuser: u.Superuser, Rights: u.Rights(), Enabled: u.Enabled,
		Generation: u.Generation,
		Binding:    Binding{Own: u.Binding},
	}
}

// Validate joins the faults of all fields but the roles and the password.
func (u User) Validate() error {
	return errors.Join(
		checkName("username", u.Username), checkEmail(u.Email), checkText("fullname", u.FullName, MaxName, false),
	)
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

// Apply changes u, except its roles and password, or says which fields are at fault and leaves u in
// an undefined state.
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

// Users keeps the users, with their roles by ascending id. A username is unique regardless of case.
// Create, Update and Delete must come after AccessControl.Advance in the same transaction: without
// it, other replicas go on using their cached state.
//
// The groups Users and Deadlines of the suite test it.
type Users interface {
	// Page returns one page of all users, by ascending id. See PageRequest for its bounds. The
	// roles are read by a second statement: outside a transaction they may be newer than the users.
	Page(ctx context.Context, page PageRequest) (Page[User], error)
	// Get returns one user. The roles are read by a second statement, as in Page. Errors: Missing.
	Get(ctx context.Context, id int64) (User, error)
	// Named returns the user with that name, regardless of case. The name is not cleaned (see
	// CleanName). The roles are read by a second statement, as in Page. Errors: Missing, also for a
	// name that no database can hold.
	Named(ctx context.Context, username string) (User, error)
	// Create stores u with its roles and sets u.ID. Only the ids of the roles are used, each at
	// most once; a role that is given twice is an error that is no *Error. Errors: Duplicated on
	// username; NotFound on roles.
	Create(ctx context.Context, u *User) error
	// Update stores everything of u but CreatedAt, and replaces its roles. Zero values are stored
	// as they are: an empty list of roles removes all. It replaces the password hash as well,
	// whatever Rehash has stored meanwhile. Errors: Missing; Duplicated on username; NotFound on
	// roles.
	Update(ctx context.Context, u User) error
	// Rehash replaces the password hash before by after if before is the present one. Otherwise,
	// and when there is no such user, it does nothing and returns nil. It changes neither UpdatedAt
	// nor Generation, so it needs no Advance.
	Rehash(ctx context.Context, id int64, before, after Secret) error
	// Delete removes a user and its assignments of roles; the roles themselves stay. Errors:
	// Missing.
	Delete(ctx context.Context, id int64) error
}
