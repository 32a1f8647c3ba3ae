package tunnel

import (
	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// facts are what the audit records of a config. The names are those of the fields that users know.
func (c *change) facts(config domain.SiteConfig) audit.Facts {
	lans, mapped := make([]string, len(config.LANs)), map[string]string{}
	for i, lan := range config.LANs {
		lans[i] = lan.Network.String()
		if lan.Mapped.IsValid() {
			mapped[lan.Network.String()] = lan.Mapped.String()
		}
	}
	return audit.Facts{
		"static_ip": addressText(config.StaticIP), "static_ipv6": addressText(config.StaticIPv6), "iroutes": lans,
		"nat": mapped, "allow_overlap": config.AllowOverlap, "push_routes": audit.Prefixes(config.PushRoutes),
		"push_reset": config.PushReset, "extra_conf": config.ExtraConf, "dns_server": addressText(config.DNSServer),
		"dns_domain": config.DNSDomain, "max_routes": config.MaxRoutes,
	}
}
