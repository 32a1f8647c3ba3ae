package domain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// MaxName is the length of the name of an apikey, a role or a user, in characters.
const MaxName = 255

// Role is a named set of permissions that users and apikeys are given.
type Role struct {
	ID        int64
	Name      string
	Scopes    []Permission // as they were given
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Rights is what the role grants.
func (r Role) Rights() Rights { return RightsOf(r.Scopes) }

// Validate joins the faults of all fields.
func (r Role) Validate() error { return errors.Join(checkName("name", r.Name), checkScopes(r.Scopes)) }

// checkName checks the name of an apikey, a role or a user.
func checkName(field, name string) error {
	if name == "" {
		return Fault(Required, field, ReasonRequired)
	}
	return checkNameText(field, name, MaxName)
}

func checkScopes(list []Permission) error {
	var faults FaultList
	for i, p := range list {
		field := fmt.Sprintf("scopes[%d].name", i)
		switch {
		case !p.Scope.Known():
			faults.Add(Fault(NotFound, field, ReasonNotFound))
		case slices.ContainsFunc(list[:i], func(earlier Permission) bool { return earlier.Scope == p.Scope }):
			faults.Add(Fault(Duplicated, field, ReasonTwice))
		}
	}
	return faults.Err()
}

// RoleUpdate is a partial change: nil is unchanged. Scopes replaces the whole list.
type RoleUpdate struct {
	Name   *string
	Scopes []Permission
}

// Apply changes r, or says which fields are at fault and leaves r in an undefined state.
func (u RoleUpdate) Apply(r *Role) error {
	setName(&r.Name, u.Name)
	if u.Scopes != nil {
		r.Scopes = u.Scopes
	}
	return r.Validate()
}

// set writes a given value.
func set[T any](target, value *T) {
	if value != nil {
		*target = *value
	}
}

// RightsOfRoles unites what roles grant.
func RightsOfRoles(roles []Role) Rights {
	var r Rights
	for _, role := range roles {
		r = r.Union(role.Rights())
	}
	return r
}

// CheckRoleIDs refuses a role that is given twice.
func CheckRoleIDs(ids []int64) error {
	var faults FaultList
	for i, id := range ids {
		if slices.Contains(ids[:i], id) {
			faults.Add(Fault(Duplicated, roleField(i), ReasonTwice))
		}
	}
	return faults.Err()
}

// PickRoles returns the roles that were found in the order of the ids that were asked for; a
// missing one is NotFound at its index.
func PickRoles(ids []int64, found []Role) ([]Role, error) {
	picked := make([]Role, 0, len(ids))
	var faults FaultList
	for i, id := range ids {
		at := slices.IndexFunc(found, func(r Role) bool { return r.ID == id })
		if at < 0 {
			faults.Add(Fault(NotFound, roleField(i), ReasonNotFound))
			continue
		}
		picked = append(picked, found[at])
	}
	return picked, faults.Err()
}

func roleField(i int) string { return fmt.Sprintf("roles[%d]", i) }

// Roles keeps the roles. A name is unique regardless of case. Create, Update and Delete must come
// after AccessControl.Advance in the same transaction: without it, other replicas go on using their
// cached state.
//
// The group Roles of the suite tests it.
type Roles interface {
	// Page returns one page of all roles, by ascending id. See PageRequest for its bounds.
	Page(ctx context.Context, page PageRequest) (Page[Role], error)
	// Get returns one role. Errors: Missing.
	Get(ctx context.Context, id int64) (Role, error)
	// Find returns those of the ids that exist, each once, by ascending id. All ids go into one
	// statement. It locks nothing: whether a role still exists is checked when it is given to a
	// user or an apikey.
	Find(ctx context.Context, ids []int64) ([]Role, error)
	// Limits returns the restrictions of all apikeys and users that have a role, each distinct one
	// once, in no order. A user has none, which is the zero value. For a role that no holder has,
	// or that does not exist, the list is empty.
	Limits(ctx context.Context, id int64) ([]Restrictions, error)
	// Create stores r and sets r.ID. The scopes keep their order. Errors: Duplicated on name.
	Create(ctx context.Context, r *Role) error
	// Update stores everything of r but CreatedAt; no scopes clears. Errors: Missing; Duplicated on
	// name.
	Update(ctx context.Context, r Role) error
	// Delete removes a role. Errors: Missing; Rule on id with ReasonRoleInUse when a user or an
	// apikey has it.
	Delete(ctx context.Context, id int64) error
}
