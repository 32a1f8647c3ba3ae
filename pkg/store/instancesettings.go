package store

import (
	"net/netip"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// storedInstance is the JSON form of domain.InstanceSettings. The names are those of the first
// release; they stay when the names in domain change.
type storedInstance struct {
	Network         netip.Prefix     `json:"network"`
	NetworkV6       netip.Prefix     `json:"network_v6"`
	PushRoutes      []netip.Prefix   `json:"push_routes"`
	Routes          []netip.Prefix   `json:"routes"`
	Proto           string           `json:"proto"`
	Port            int              `json:"port"`
	Remotes         []storedEndpoint `json:"remotes"`
	RemoteRandom    bool             `json:"remote_random"`
	DHCPEnabled     bool             `json:"dhcp_enabled"`
	DHCPStart       netip.Addr       `json:"dhcp_start"`
	DHCPEnd         netip.Addr       `json:"dhcp_end"`
	DNSServer       string           `json:"dns_server"`
	DNSDomain       string           `json:"dns_domain"`
	LDAPAuth        bool             `json:"ldap_auth"`
	TLSProfile      string           `json:"tls_profile"`
	Control         string           `json:"control_channel"`
	VerifyClient    bool             `json:"verify_client"`
	KeepaliveEvery  int              `json:"keepalive_every"`
	KeepaliveEnd    int              `json:"keepalive_end"`
	RenegotiateSecs int              `json:"reneg_sec"`
	RenewBefore     int              `json:"renew_before"`
	Extra           string           `json:"extra"`
}

// storedEndpoint is the JSON form of domain.Remote.
type storedEndpoint struct {
	Host  string `json:"host"`
	Port  int    `json:"port"`
	Proto string `json:"proto"`
}

func toStoredEndpoint(r domain.Remote) storedEndpoint {
	return storedEndpoint{r.Host, r.Port, string(r.Proto)}
}

func (e storedEndpoint) entity() domain.Remote {
	return domain.Remote{Host: e.Host, Port: e.Port, Proto: domain.Transport(e.Proto)}
}

func toStoredInstance(s domain.InstanceSettings) storedInstance {
	return storedInstance{
		Network: s.Network, NetworkV6: s.NetworkV6, PushRoutes: s.PushRoutes, Routes: s.Routes,
		Proto: string(s.Proto), Port: s.Port, RemoteRandom: s.RemoteRandom,
		Remotes:     each(s.Remotes, toStoredEndpoint),
		DHCPEnabled: s.DHCPEnabled, DHCPStart: s.DHCPStart, DHCPEnd: s.DHCPEnd,
		DNSServer: s.DNSServer, DNSDomain: s.DNSDomain, LDAPAuth: s.LDAPAuth,
		TLSProfile: string(s.TLSProfile), Control: string(s.Control), VerifyClient: s.VerifyClient,
		KeepaliveEvery: s.KeepaliveEvery, KeepaliveEnd: s.KeepaliveEnd, RenegotiateSecs: s.RenegotiateSecs,
		RenewBefore: s.RenewBefore, Extra: s.Extra,
	}
}

func (s storedInstance) entity() domain.InstanceSettings {
	return domain.InstanceSettings{
		Network: s.Network, NetworkV6: s.NetworkV6, PushRoutes: s.PushRoutes, Routes: s.Routes,
		Proto: domain.Transport(s.Proto), Port: s.Port, RemoteRandom: s.RemoteRandom,
		Remotes:     each(s.Remotes, storedEndpoint.entity),
		DHCPEnabled: s.DHCPEnabled, DHCPStart: s.DHCPStart, DHCPEnd: s.DHCPEnd,
		DNSServer: s.DNSServer, DNSDomain: s.DNSDomain, LDAPAuth: s.LDAPAuth,
		TLSProfile: domain.TLSProfile(s.TLSProfile), Control: domain.ControlChannel(s.Control),
		VerifyClient: s.VerifyClient, KeepaliveEvery: s.KeepaliveEvery, KeepaliveEnd: s.KeepaliveEnd,
		RenegotiateSecs: s.RenegotiateSecs, RenewBefore: s.RenewBefore, Extra: s.Extra,
	}
}
