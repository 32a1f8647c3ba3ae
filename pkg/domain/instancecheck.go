package domain

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// check joins the faults of fields that have to fit to each other. It completes the pool.
func (i *Instance) check() error {
	i.completePool()
	var faults FaultList
	faults.Add(checkRange("port", i.Port, 1, 65535))
	faults.Add(checkRange("keepalive_interval", i.KeepaliveEvery, 1, maxKeepalive))
	faults.Add(checkRange("keepalive_timeout", i.KeepaliveEnd, 2, maxKeepalive))
	faults.Add(checkRange("renew_before", i.RenewBefore, 1, maxRenewBefore))
	if i.KeepaliveEnd < 2*i.KeepaliveEvery { // OpenVPN refuses it
		faults.Add(Fault(Invalid, "keepalive_timeout", ReasonKeepalive))
	}
	if i.RenegotiateSecs != 0 {
		faults.Add(checkRange("reneg_sec", i.RenegotiateSecs, minRenegotiate, maxRenegotiate))
	}
	if i.LDAPAuth {
		faults.Add(Fault(Rule, "ldap_auth", ReasonUnsupported))
	}
	if !i.VerifyClient {
		faults.Add(Fault(Rule, "verify_client_cert", ReasonUnsupported))
	}
	return errors.Join(faults.Err(), i.checkPool(), i.checkFamilies())
}

// completePool gives a pool without ends the upper half of the network.
func (i *Instance) completePool() {
	if !i.DHCPEnabled || !i.Network.IsValid() {
		return
	}
	upper := netip.PrefixFrom(LastAddress(i.Network), i.Network.Bits()+1).Masked()
	if !i.DHCPStart.IsValid() && !i.DHCPEnd.IsValid() {
		i.DHCPStart, i.DHCPEnd = upper.Addr(), LastAddress(i.Network).Prev()
	}
}

// Pool is what the server gives out; empty without one.
func (i Instance) Pool() Span {
	if !i.DHCPEnabled {
		return Span{}
	}
	return Span{i.DHCPStart, i.DHCPEnd}
}

func (i *Instance) checkPool() error {
	if !i.DHCPEnabled {
		return nil
	}
	var faults FaultList
	for _, end := range []struct {
		field   string
		address netip.Addr
	}{{"dhcp_start", i.DHCPStart}, {"dhcp_end", i.DHCPEnd}} {
		if !end.address.IsValid() {
			faults.Add(Fault(Required, end.field, ReasonRequired))
			continue
		}
		faults.Add(CheckSiteAddress(end.field, end.address, i.Network, Span{}))
	}
	if err := faults.Err(); err != nil {
		return err
	}
	if i.Pool().Empty() {
		return Fault(Invalid, "dhcp_end", ReasonPoolOrder)
	}
	return nil
}

// checkFamilies refuses routes of IPv6 for tunnels that have none.
func (i *Instance) checkFamilies() error {
	if i.NetworkV6.IsValid() {
		return nil
	}
	return errors.Join(onlyIPv4("push_routes", i.PushRoutes), onlyIPv4("routes", i.Routes))
}

func onlyIPv4(field string, list []netip.Prefix) error {
	var faults FaultList
	for k, p := range list {
		if p.Addr().Is6() {
			faults.Add(Fault(Invalid, fmt.Sprintf("%s[%d]", field, k), ReasonNoIPv6))
		}
	}
	return faults.Err()
}

// Stale reports whether the profiles that sites have of an instance differ from those of after.
func (i Instance) Stale(after Instance) bool {
	return i.Port != after.Port || i.Proto != after.Proto || !slices.Equal(i.Remotes, after.Remotes) ||
		i.RemoteRandom != after.RemoteRandom || i.TLSProfile != after.TLSProfile || i.Control != after.Control ||
		i.RenegotiateSecs != after.RenegotiateSecs
}

// Revoked reports whether the certificate of the server is revoked.
func (i Instance) Revoked() bool { return !i.RevokedAt.IsZero() }

// Expired reports whether the certificate of the server has ended at the time now.
func (i Instance) Expired(now time.Time) bool { return !now.Before(i.ExpiresAt) }

// Take makes a certificate the one of the server.
func (i *Instance) Take(c Certificate) {
	i.CertificateID, i.ExpiresAt, i.RevokedAt = c.ID, c.NotAfter.UTC(), c.RevokedAt
	i.RenewAt = i.RenewalOf(c.NotBefore, c.NotAfter)
}

// RenewalOf is when a certificate of the instance is due to be renewed: RenewBefore days ahead of
// its end, but not before two thirds of its life are over.
func (i Instance) RenewalOf(notBefore, notAfter time.Time) time.Time {
	ahead := time.Duration(i.RenewBefore) * 24 * time.Hour
	return notAfter.Add(-min(ahead, notAfter.Sub(notBefore)/3))
}

// AltNames are the names of the server's certificate: the hosts of its remotes.
func (i Instance) AltNames() []string {
	var names []string
	for _, r := range i.Remotes {
		if !slices.Contains(names, r.Host) {
			names = append(names, r.Host)
		}
	}
	return names
}
