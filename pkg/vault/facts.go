package vault

import (
	"strings"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// This file says what the audit records of each resource. The names of the facts are those of the
// fields that users know.

// The resources of this package, as the audit and the log describe them.
var (
	devices = audit.Resource[domain.Device]{
		Scope: domain.ScopeDevices, Facts: deviceFacts,
		Name: func(d domain.Device) (int64, string) { return d.ID, d.Hostname },
	}
	deviceDomains = audit.Resource[domain.DeviceDomain]{
		Scope: domain.ScopeDomains, Facts: deviceDomainFacts,
		Name: func(d domain.DeviceDomain) (int64, string) { return d.ID, d.Name },
	}
	applications = audit.Resource[domain.Application]{
		Scope: domain.ScopeApplications, Facts: applicationFacts,
		Name: func(a domain.Application) (int64, string) { return a.ID, a.Name },
	}
	authorizations = audit.Resource[domain.PAMAuthorization]{
		Scope: domain.ResourceAuthorizations, Facts: authorizationFacts,
		Name: func(a domain.PAMAuthorization) (int64, string) { return a.ID, a.Holder().Name },
	}
)

func deviceFacts(d domain.Device) audit.Facts {
	return audit.Facts{
		"hostname": d.Hostname, "ip": d.IP, "model": d.Model, "type": d.Type, "vendor": d.Vendor, "site": d.Site,
		"enabled":       d.Enabled,
		"device_domain": strings.Join(d.Domains, ","), "device_tags": strings.Join(d.Tags, ", "),
		"connectivities":        domain.FormatConnectivities(d.Connectivities),
		"session_remote_config": domain.FormatRemote(d.Remote),
	}
}

func applicationFacts(a domain.Application) audit.Facts {
	return audit.Facts{"name": a.Name, "description": a.Description, "method": a.Method, "enabled": a.Enabled}
}

func authorizationFacts(a domain.PAMAuthorization) audit.Facts {
	return audit.Facts{
		"application_id": a.ApplicationID, "name": a.Name, "enabled": a.Enabled, "write": a.Write,
		"resources": a.Resources, "expires_at": audit.Moment(a.ExpiresAt),
		"allowed_ips": audit.Prefixes(a.AllowedIPs), "referrers": a.Referrers, "devices": a.Devices,
		"certificate_fingerprint": a.Fingerprint, "generation": a.Generation,
		"previous_until": audit.Moment(a.PreviousUntil),
	}
}

func deviceDomainFacts(d domain.DeviceDomain) audit.Facts {
	return audit.Facts{"name": d.Name, "short_name": d.ShortName}
}
