package access

import (
	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// The facts of the audit about each resource. Their names are those of the fields that callers
// know.

// The resources of this package, as the audit and the log describe them.
var (
	apikeys = audit.Resource[domain.APIKey]{
		Scope: domain.ScopeAPIKeys, Facts: apikeyFacts,
		Name: func(k domain.APIKey) (int64, string) { return k.ID, k.Name },
	}
	roles = audit.Resource[domain.Role]{
		Scope: domain.ScopeRoles, Facts: roleFacts, Name: func(r domain.Role) (int64, string) { return r.ID, r.Name },
	}
	users = audit.Resource[domain.User]{
		Scope: domain.ScopeUsers, Facts: userFacts,
		Name: func(u domain.User) (int64, string) { return u.ID, u.Username },
	}
)

func apikeyFacts(k domain.APIKey) audit.Facts {
	return audit.Facts{
		"name": k.Name, "description": k.Description, "superuser": k.Superuser, "roles": roleIDs(k.Roles),
		"enabled":    k.Enabled,
		"expires_at": audit.Moment(k.ExpiresAt), "allowed_ips": audit.Prefixes(k.AllowedIPs), "rate_limit": k.RateLimit,
		"instances":      notNil(k.Instances),
		"generation":     k.Generation,
		"previous_until": audit.Moment(k.PreviousUntil),
	}
}

func roleFacts(r domain.Role) audit.Facts {
	scopes := make([]audit.Facts, len(r.Scopes))
	for i, p := range r.Scopes {
		scopes[i] = audit.Facts{"name": p.Scope, "read": p.Read, "write": p.Write}
	}
	return audit.Facts{"name": r.Name, "scopes": scopes}
}

func userFacts(u domain.User) audit.Facts {
	return audit.Facts{
		"username": u.Username, "email": u.Email, "fullname": u.FullName, "superuser": u.Superuser,
		"roles": roleIDs(u.Roles), "enabled": u.Enabled,
		"generation": u.Generation,
	}
}

// notNil writes an empty list as such.
func notNil(ids []int64) []int64 { return append([]int64{}, ids...) }

func roleIDs(roles []domain.Role) []int64 {
	ids := make([]int64, len(roles))
	for i, role := range roles {
		ids[i] = role.ID
	}
	return ids
}
