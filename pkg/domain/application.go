package domain

import (
	"context"
	"errors"
	"time"
)

// AuthMethod is how the authorizations of an application authenticate.
type AuthMethod string

// The supported ones of the vendor's methods.
const (
	AuthUnsigned AuthMethod = "none" // key and token alone, without a signature
	AuthOAuth1   AuthMethod = "oauth1"
	AuthOAuth2   AuthMethod = "oauth2"
)

// Application is a program that uses the vault through its authorizations.
type Application struct {
	ID          int64
	Name        string
	Description string
	Method      AuthMethod
	Enabled     bool
	Passing     string // see Binding.Passing
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Validate joins the faults of all fields.
func (a Application) Validate() error {
	var method error
	if a.Method != AuthUnsigned && a.Method != AuthOAuth1 && a.Method != AuthOAuth2 {
		method = Fault(Invalid, "method", ReasonChoice, "none, oauth1, oauth2")
	}
	return errors.Join(checkName("name", a.Name), checkDescription(a.Description), method)
}

// ApplicationUpdate is a partial change: nil is unchanged.
type ApplicationUpdate struct {
	Name, Description *string
	Enabled           *bool
	Method            *string // accepted when it is the present one
}

// Apply changes a, or says which fields are at fault and leaves a in an undefined state.
func (u ApplicationUpdate) Apply(a *Application) error {
	method := fixed("method", u.Method, string(a.Method))
	setName(&a.Name, u.Name)
	set(&a.Description, u.Description)
	set(&a.Enabled, u.Enabled)
	return errors.Join(method, a.Validate())
}

// Applications keeps the applications. A name is unique regardless of case. Create, Update and
// Delete must come after AccessControl.Advance in the same transaction: without it, other replicas
// go on using their cached state.
//
// The group Applications of the suite tests it.
type Applications interface {
	// Page returns one page of all applications, by ascending id. See PageRequest for its bounds.
	Page(ctx context.Context, page PageRequest) (Page[Application], error)
	// Get returns one application. Errors: Missing.
	Get(ctx context.Context, id int64) (Application, error)
	// Create stores a and sets a.ID. Errors: Duplicated on name.
	Create(ctx context.Context, a *Application) error
	// Update stores everything of a but Method and CreatedAt. Empty values are stored as they are.
	// Errors: Missing; Duplicated on name.
	Update(ctx context.Context, a Application) error
	// Delete removes an application. Errors: Missing; Rule on id with ReasonInUse when it has
	// authorizations.
	Delete(ctx context.Context, id int64) error
}
