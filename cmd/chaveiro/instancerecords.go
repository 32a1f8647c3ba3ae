package main

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type instanceRecord struct {
	ID          int64  `json:"id" table:"ID"`
	ModelID     *int64 `json:"model_id"`
	CAID        int64  `json:"ca_id" table:"CA"`
	Name        string `json:"name" table:"NAME"`
	Description string `json:"description"`
	subjectFields
	Email               string `json:"email"`
	Port                int    `json:"port" table:"PORT"`
	Network             string `json:"network" table:"NETWORK"`
	Proto               string `json:"proto" table:"PROTO"`
	DHCPEnabled         bool   `json:"dhcp_enabled"`
	DHCPStart           string `json:"dhcp_start"`
	DHCPEnd             string `json:"dhcp_end"`
	DNSServer           string `json:"dns_server"`
	DNSDomain           string `json:"dns_domain"`
	PushRoutes          texts  `json:"push_routes"`
	Routes              texts  `json:"routes"`
	LDAPAuth            bool   `json:"ldap_auth"`
	Remotes             texts  `json:"remotes" table:"REMOTES"`
	Revoked             bool   `json:"revoked"`
	Expired             bool   `json:"expired"`
	ExpiryDate          stamp  `json:"expiry_date" table:"EXPIRES"`
	CreatedAt           stamp  `json:"created_at"`
	UpdatedAt           stamp  `json:"updated_at"`
	CertEmailTemplateID *int64 `json:"cert_email_template_id"`
	NetworkV6           string `json:"network_v6"`
	Gateway             string `json:"gateway"`
	RemoteRandom        bool   `json:"remote_random"`
	TLSProfile          string `json:"tls_profile"`
	ControlChannel      string `json:"control_channel"`
	VerifyClientCert    bool   `json:"verify_client_cert"`
	KeepaliveInterval   int    `json:"keepalive_interval"`
	KeepaliveTimeout    int    `json:"keepalive_timeout"`
	RenegSec            int    `json:"reneg_sec"`
	RenewBefore         int    `json:"renew_before"`
	ExtraConf           lines  `json:"extra_conf"`
	CertificateID       int64  `json:"certificate_id"`
	Version             int64  `json:"version" table:"VERSION"`
	ReloadedAt          stamp  `json:"reloaded_at"`
	CampaignID          *int64 `json:"campaign_id"`
}

// instanceRecordAt makes records that say what has expired at the time now.
func instanceRecordAt(now time.Time) func(domain.Instance) instanceRecord {
	return func(i domain.Instance) instanceRecord {
		return instanceRecord{
			ID: i.ID, ModelID: optional(i.ModelID), CAID: i.CAID, Name: i.Name, Description: i.Description,
			subjectFields: subjectOf(i.Subject), Email: i.Email, Port: i.Port,
			Network: known(i.Network.IsValid(), i.Network), Proto: string(i.Proto), DHCPEnabled: i.DHCPEnabled,
			DHCPStart: known(i.DHCPStart.IsValid(), i.DHCPStart), DHCPEnd: known(i.DHCPEnd.IsValid(), i.DHCPEnd),
			DNSServer: i.DNSServer, DNSDomain: i.DNSDomain, PushRoutes: prefixTexts(i.PushRoutes),
			Routes: prefixTexts(i.Routes), LDAPAuth: i.LDAPAuth, Remotes: remoteTexts(i.Remotes),
			Revoked: i.Revoked(), Expired: i.Expired(now), ExpiryDate: stamp(i.ExpiresAt),
			CreatedAt: stamp(i.CreatedAt), UpdatedAt: stamp(i.UpdatedAt),
			NetworkV6: known(i.NetworkV6.IsValid(), i.NetworkV6), Gateway: i.Gateway, RemoteRandom: i.RemoteRandom,
			TLSProfile: string(i.TLSProfile), ControlChannel: string(i.Control), VerifyClientCert: i.VerifyClient,
			KeepaliveInterval: i.KeepaliveEvery, KeepaliveTimeout: i.KeepaliveEnd, RenegSec: i.RenegotiateSecs,
			RenewBefore: i.RenewBefore, ExtraConf: lines(i.Extra), CertificateID: i.CertificateID,
			Version: i.Version, ReloadedAt: stamp(i.ReloadedAt), CampaignID: optional(i.CampaignID),
		}
	}
}

// known is a value as text, or empty where there is none.
func known[T fmt.Stringer](has bool, value T) string {
	if !has {
		return ""
	}
	return value.String()
}

func remoteTexts(list []domain.Remote) texts {
	all := make(texts, len(list))
	for i, remote := range list {
		all[i] = remote.String()
	}
	return all
}

// lines is a text of several lines, of which a table says only how many.
type lines string

func (l lines) text(exact bool) string {
	if exact || l == "" {
		return string(l)
	}
	return fmt.Sprintf("(%d lines)", strings.Count(strings.TrimSuffix(string(l), "\n"), "\n")+1)
}

type modelRecord struct {
	ID        int64  `json:"id" table:"ID"`
	Name      string `json:"name" table:"NAME"`
	Template  lines  `json:"template" table:"TEMPLATE"`
	CreatedAt stamp  `json:"created_at" table:"CREATED"`
	UpdatedAt stamp  `json:"updated_at" table:"UPDATED"`
}

func modelRecordOf(m domain.InstanceModel) modelRecord {
	return modelRecord{
		ID: m.ID, Name: m.Name, Template: lines(m.Template), CreatedAt: stamp(m.CreatedAt),
		UpdatedAt: stamp(m.UpdatedAt),
	}
}

type configRecord struct {
	ClientID         int64    `json:"client_id" table:"CLIENT"`
	InstanceID       int64    `json:"instance_id" table:"INSTANCE"`
	StaticIP         string   `json:"static_ip" table:"ADDRESS"`
	StaticIPv6       string   `json:"static_ipv6" table:"IPV6"`
	PushRoutes       texts    `json:"push_routes"`
	Iroutes          texts    `json:"iroutes" table:"LANS"`
	NAT              mappings `json:"nat" table:"SEEN AS"`
	AllowOverlap     bool     `json:"allow_overlap"`
	PushReset        bool     `json:"push_reset"`
	ExtraConf        lines    `json:"extra_conf"`
	DNSServer        string   `json:"dns_server"`
	DNSDomain        string   `json:"dns_domain"`
	MaxRoutes        int      `json:"max_routes"`
	Configured       bool     `json:"configured"`
	ProfileVersion   int64    `json:"profile_version" table:"PROFILE"`
	ProfileStale     bool     `json:"profile_stale" table:"STALE"`
	ProfileFetchedAt stamp    `json:"profile_fetched_at" table:"FETCHED"`
	CreatedAt        stamp    `json:"created_at"`
	UpdatedAt        stamp    `json:"updated_at"`
}

func configRecordOf(c domain.SiteConfig) configRecord {
	record := configRecord{
		ClientID: c.ClientID, InstanceID: c.InstanceID, StaticIP: known(c.StaticIP.IsValid(), c.StaticIP),
		StaticIPv6: known(c.StaticIPv6.IsValid(), c.StaticIPv6), PushRoutes: prefixTexts(c.PushRoutes),
		Iroutes: texts{}, NAT: mappings{}, AllowOverlap: c.AllowOverlap, PushReset: c.PushReset,
		ExtraConf: lines(c.ExtraConf), DNSServer: known(c.DNSServer.IsValid(), c.DNSServer), DNSDomain: c.DNSDomain,
		MaxRoutes: c.MaxRoutes, Configured: c.Configured, ProfileVersion: c.ProfileVersion,
		ProfileStale: c.ProfileStale(), ProfileFetchedAt: stamp(c.ProfileFetchedAt), CreatedAt: stamp(c.CreatedAt),
		UpdatedAt: stamp(c.UpdatedAt),
	}
	for _, lan := range c.LANs {
		record.Iroutes = append(record.Iroutes, lan.Network.String())
		if lan.Mapped.IsValid() {
			record.NAT = append(record.NAT, mapping{lan.Network.String(), lan.Mapped.String()})
		}
	}
	return record
}

// mapping presents a LAN as another network.
type mapping struct {
	Network string `json:"network"`
	Mapped  string `json:"mapped"`
}

// UnmarshalText reads a mapping, as 192.168.1.0/24=172.20.1.0/24.
func (m *mapping) UnmarshalText(text []byte) error {
	network, mapped, found := strings.Cut(string(text), "=")
	if !found {
		return misuse("no mapping, as 192.168.1.0/24=172.20.1.0/24")
	}
	*m = mapping{network, mapped}
	return nil
}

type mappings []mapping

// text writes the mappings as the flag --nat reads them.
func (m mappings) text(bool) string {
	all := make([]string, len(m))
	for i, one := range m {
		all[i] = one.Network + "=" + one.Mapped
	}
	return strings.Join(all, ", ")
}

// planRecord is a network of an IP plan, or a run of free addresses, with the columns of the CSV
// file that the API has.
type planRecord struct {
	Kind       string `json:"kind" table:"KIND"`
	Network    string `json:"network" table:"NETWORK"`
	Mapped     string `json:"mapped" table:"SEEN AS"`
	First      string `json:"first" table:"FIRST"`
	Last       string `json:"last" table:"LAST"`
	InstanceID *int64 `json:"instance_id"`
	Instance   string `json:"instance"`
	ClientID   *int64 `json:"client_id"`
	Client     string `json:"client" table:"CLIENT"`
	Revoked    *bool  `json:"client_revoked"`
}

func planRecordOf(n domain.OwnedNetwork) planRecord {
	own := n.Own()
	record := planRecord{
		Kind: string(n.Kind), Network: own.String(), First: own.Addr().String(),
		Last: domain.LastAddress(own).String(), InstanceID: optional(n.InstanceID), Instance: n.InstanceName,
		ClientID: optional(n.ClientID), Client: n.ClientName, Revoked: &n.Abandoned,
	}
	if n.Inside.IsValid() {
		record.Mapped = n.Prefix.String()
	}
	return record
}

func freeRecord(network netip.Prefix, free domain.Span) planRecord {
	return planRecord{
		Kind: "free", Network: network.String(), First: free.First.String(), Last: free.Last.String(),
	}
}

type linkRecord struct {
	ID          int64   `json:"id" table:"ID"`
	ClientID    int64   `json:"client_id"`
	InstanceID  int64   `json:"instance_id" table:"INSTANCE"`
	Format      string  `json:"format" table:"FORMAT"`
	PINRequired bool    `json:"pin_required" table:"PIN"`
	State       string  `json:"state" table:"STATE"`
	Tries       int     `json:"tries"`
	CreatedAt   stamp   `json:"created_at" table:"CREATED"`
	ExpiresAt   stamp   `json:"expires_at" table:"EXPIRES"`
	RevokedAt   stamp   `json:"revoked_at"`
	ClaimedAt   stamp   `json:"claimed_at" table:"CLAIMED"`
	ClaimedFrom *string `json:"claimed_from" table:"FROM"`
}

// linkRecordAt makes records that say what has expired at the time now.
func linkRecordAt(now time.Time) func(domain.Enrolment) linkRecord {
	return func(e domain.Enrolment) linkRecord {
		return linkRecord{
			ID: e.ID, ClientID: e.ClientID, InstanceID: e.InstanceID, Format: e.Format, PINRequired: e.PINHash != nil,
			State: string(e.State(now)), Tries: e.Tries, CreatedAt: stamp(e.CreatedAt), ExpiresAt: stamp(e.ExpiresAt),
			RevokedAt: stamp(e.RevokedAt), ClaimedAt: stamp(e.ClaimedAt), ClaimedFrom: optional(e.ClaimedFrom),
		}
	}
}
