package service

import (
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// What the audit tells of each resource. The names are those of the fields that people know.

func apikeyFacts(k domain.APIKey) facts {
	return facts{
		"name": k.Name, "description": k.Description, "superuser": k.Superuser, "roles": roleIDs(k.Roles), "enabled": k.Enabled,
		"expires_at": moment(k.ExpiresAt), "allowed_ips": prefixTexts(k.AllowedIPs), "rate_limit": k.RateLimit, "generation": k.Generation,
		"previous_until": moment(k.PreviousUntil),
	}
}

func roleFacts(r domain.Role) facts {
	scopes := make([]facts, len(r.Scopes))
	for i, p := range r.Scopes {
		scopes[i] = facts{"name": p.Scope, "read": p.Read, "write": p.Write}
	}
	return facts{"name": r.Name, "scopes": scopes}
}

func userFacts(u domain.User) facts {
	return facts{
		"username": u.Username, "email": u.Email, "fullname": u.FullName, "superuser": u.Superuser, "roles": roleIDs(u.Roles), "enabled": u.Enabled,
		"generation": u.Generation,
	}
}

func roleIDs(roles []domain.Role) []int64 {
	ids := make([]int64, len(roles))
	for i, role := range roles {
		ids[i] = role.ID
	}
	return ids
}
