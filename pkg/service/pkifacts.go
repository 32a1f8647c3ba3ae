package service

import (
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
