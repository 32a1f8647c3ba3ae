package api

import (
	"fmt"
	"net/netip"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// seenSessions reads the sessions of a report.
func seenSessions(field string, list []gen.AgentSession, faults *domain.FaultList) []domain.SeenSession {
	seen := make([]domain.SeenSession, len(list))
	for i, one := range list {
		place := fmt.Sprintf("%s[%d].", field, i)
		seen[i] = domain.SeenSession{
			SessionKey: domain.SessionKey{Number: one.Number, Since: one.Since}, Name: one.Name,
			Cipher: text(one.Cipher), BytesIn: one.BytesIn, BytesOut: one.BytesOut,
		}
		var err error
		if seen[i].Real, err = optionalEndpoint(place+"real_address", one.RealAddress); err != nil {
			faults.Add(err)
		}
		if seen[i].Address, err = optionalAddress(place+"address", one.Address); err != nil {
			faults.Add(err)
		}
		if seen[i].AddressV6, err = optionalAddress(place+"address_v6", one.AddressV6); err != nil {
			faults.Add(err)
		}
	}
	return seen
}

// optionalAddress reads an address; empty is none. An address has no zone, and one of IPv4 is
// written as such.
func optionalAddress(field string, asked *string) (netip.Addr, error) {
	if text(asked) == "" {
		return netip.Addr{}, nil
	}
	address, err := netip.ParseAddr(*asked)
	if err != nil {
		return address, domain.Fault(domain.Invalid, field, domain.ReasonFormat)
	}
	return address.Unmap().WithZone(""), nil
}

func optionalEndpoint(field string, asked *string) (netip.AddrPort, error) {
	if text(asked) == "" {
		return netip.AddrPort{}, nil
	}
	endpoint, err := netip.ParseAddrPort(*asked)
	if err != nil {
		return endpoint, domain.Fault(domain.Invalid, field, domain.ReasonFormat)
	}
	return netip.AddrPortFrom(endpoint.Addr().Unmap().WithZone(""), endpoint.Port()), nil
}
