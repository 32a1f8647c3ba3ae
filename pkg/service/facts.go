package service

import (
	"net/netip"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// What the audit tells of each resource. The names are those of the fields that people know.

func subjectFacts(f facts, s domain.Subject) facts {
	f["country"], f["province"], f["city"] = s.Country, s.Province, s.City
	f["organization"], f["sector"], f["email"] = s.Organization, s.Sector, s.Email
	return f
}

func caFacts(c domain.CA) facts {
	return subjectFacts(facts{
		"name": c.Name, "description": c.Description, "key_algorithm": c.KeyAlgorithm, "expires_at": moment(c.ExpiresAt),
	}, c.Subject)
}

func clientFacts(c domain.Client) facts {
	return subjectFacts(facts{
		"name": c.Name, "ca_id": c.CAID, "description": c.Description, "expires_at": moment(c.ExpiresAt), "revoked_at": moment(c.RevokedAt),
	}, c.Subject)
}

// issuedFacts adds what only the certificate knows.
func issuedFacts(c domain.Client, cert domain.Certificate) facts {
	f := clientFacts(c)
	f["serial"], f["key_protected"] = cert.Serial, cert.KeyProtected
	return f
}

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

func deviceFacts(d domain.Device) facts {
	return facts{
		"hostname": d.Hostname, "ip": d.IP, "model": d.Model, "type": d.Type, "vendor": d.Vendor, "site": d.Site, "enabled": d.Enabled,
		"device_domain": strings.Join(d.Domains, ","), "device_tags": strings.Join(d.Tags, ", "),
		"connectivities": domain.FormatConnectivities(d.Connectivities), "session_remote_config": domain.FormatRemote(d.Remote),
	}
}

func applicationFacts(a domain.Application) facts {
	return facts{"name": a.Name, "description": a.Description, "method": a.Method, "enabled": a.Enabled}
}

func authorizationFacts(a domain.PAMAuthorization) facts {
	return facts{
		"application_id": a.ApplicationID, "name": a.Name, "enabled": a.Enabled, "write": a.Write, "resources": a.Resources, "expires_at": moment(a.ExpiresAt),
		"allowed_ips": prefixTexts(a.AllowedIPs), "referrers": a.Referrers, "devices": a.Devices, "certificate_fingerprint": a.Fingerprint, "generation": a.Generation, "previous_until": moment(a.PreviousUntil),
	}
}

func roleIDs(roles []domain.Role) []int64 {
	ids := make([]int64, len(roles))
	for i, role := range roles {
		ids[i] = role.ID
	}
	return ids
}

func prefixTexts(list []netip.Prefix) []string {
	texts := make([]string, len(list))
	for i, prefix := range list {
		texts[i] = prefix.String()
	}
	return texts
}

// moment writes a time as precisely as it is stored; nil when there is none.
func moment(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
}
