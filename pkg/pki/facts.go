package pki

import (
	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// This file says what the audit records of each resource. The names of the facts are those of the
// fields that users know.

// The resources of this package, as the audit and the log describe them.
var (
	cas = audit.Resource[domain.CA]{
		Scope: domain.ScopeCAs, Facts: caFacts, Name: func(c domain.CA) (int64, string) { return c.ID, c.Name },
	}
	clients = audit.Resource[domain.Client]{
		Scope: domain.ScopeClients, Facts: clientFacts,
		Name: func(c domain.Client) (int64, string) { return c.ID, c.Name },
	}
)

func subjectFacts(f audit.Facts, s domain.Subject) audit.Facts {
	f["country"], f["province"], f["city"] = s.Country, s.Province, s.City
	f["organization"], f["sector"], f["email"] = s.Organization, s.Sector, s.Email
	return f
}

func caFacts(c domain.CA) audit.Facts {
	facts := subjectFacts(audit.Facts{
		"name": c.Name, "description": c.Description, "key_algorithm": c.KeyAlgorithm,
		"expires_at": audit.Moment(c.ExpiresAt),
	}, c.Subject)
	if c.KeyURI != "" { // rows of before there were key stores have none
		facts["key_uri"] = c.KeyURI
	}
	return facts
}

func clientFacts(c domain.Client) audit.Facts {
	return subjectFacts(kindFact(audit.Facts{
		"name": c.Name, "ca_id": c.CAID, "description": c.Description, "expires_at": audit.Moment(c.ExpiresAt),
		"revoked_at": audit.Moment(c.RevokedAt),
	}, c), c.Subject)
}

// kindFact adds the kind of a client that is no site. The rows of sites have none, as those of the
// versions before there were users.
func kindFact(f audit.Facts, c domain.Client) audit.Facts {
	if c.Kind != domain.Site2Site {
		f["kind"] = c.Kind.String()
	}
	return f
}

// issuedFacts adds the facts that only the certificate has.
func issuedFacts(c domain.Client, cert domain.Certificate) audit.Facts {
	f := clientFacts(c)
	f["serial"], f["key_protected"] = cert.Serial, cert.KeyProtected
	return f
}
