package tunnel

import (
	"net/netip"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// This file says what the audit records of each resource. The names of the facts are those of the
// fields that users know.

// The resources of instances, as the audit and the log describe them.
var (
	instances = audit.Resource[domain.Instance]{
		Scope: domain.ScopeInstances, Facts: instanceFacts,
		Name: func(i domain.Instance) (int64, string) { return i.ID, i.Name },
	}
	models = audit.Resource[domain.InstanceModel]{
		Scope: domain.ResourceModels, Facts: modelFacts,
		Name: func(m domain.InstanceModel) (int64, string) { return m.ID, m.Name },
	}
)

func modelFacts(m domain.InstanceModel) audit.Facts {
	return audit.Facts{"name": m.Name, "template": m.Template}
}

func instanceFacts(i domain.Instance) audit.Facts {
	remotes := make([]string, len(i.Remotes))
	for k, r := range i.Remotes {
		remotes[k] = r.String()
	}
	return audit.Facts{
		"name": i.Name, "ca_id": i.CAID, "model_id": i.ModelID, "certificate_id": i.CertificateID, "gateway": i.Gateway,
		"description": i.Description, "country": i.Country, "province": i.Province, "city": i.City,
		"organization": i.Organization, "sector": i.Sector, "email": i.Email,
		"proto": string(i.Proto), "port": i.Port, "remotes": remotes, "remote_random": i.RemoteRandom,
		"network": prefixText(i.Network), "network_v6": prefixText(i.NetworkV6),
		"push_routes": audit.Prefixes(i.PushRoutes), "routes": audit.Prefixes(i.Routes),
		"dhcp_enabled": i.DHCPEnabled, "dhcp_start": addressText(i.DHCPStart), "dhcp_end": addressText(i.DHCPEnd),
		"dns_server": i.DNSServer, "dns_domain": i.DNSDomain, "ldap_auth": i.LDAPAuth,
		"tls_profile": string(i.TLSProfile), "control_channel": string(i.Control),
		"verify_client_cert": i.VerifyClient, "keepalive_interval": i.KeepaliveEvery,
		"keepalive_timeout": i.KeepaliveEnd, "reneg_sec": i.RenegotiateSecs, "renew_before": i.RenewBefore,
		"extra_conf": i.Extra, "version": i.Version, "campaign_id": i.CampaignID,
		"reloaded_at": audit.Moment(i.ReloadedAt),
	}
}

func prefixText(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return p.String()
}

func addressText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
