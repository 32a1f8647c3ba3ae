package main

import (
	"fmt"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/openvpn"
)

// tunnelWords are the words of reasons of OpenVPN servers, of the IP plan and of profiles. They say
// what to do where that is not plain.
var tunnelWords = map[domain.Reason]string{
	domain.ReasonHostBits:       "%s is not a network, host bits are set: give %s",
	domain.ReasonEverything:     "this network has all addresses: to send all traffic through the tunnel, use push \"redirect-gateway def1\"",
	domain.ReasonNeverRouted:    "the network has addresses that no router forwards (%s)",
	domain.ReasonEndpoint:       "no remote, as vpn.example.com, vpn.example.com:1194, tcp://192.0.2.1:443 or [2001:db8::1]:1194",
	domain.ReasonNetworkSize:    "wrong size, it must be /%d to /%d",
	domain.ReasonFamily:         "of the other IP version, it must be IPv%d",
	domain.ReasonPortTaken:      "the instance %s has this port and protocol on the same gateway",
	domain.ReasonKeepalive:      "it must be at least twice the interval",
	domain.ReasonNoIPv6:         "the tunnel has no IPv6: give --network-v6",
	domain.ReasonOutsideSites:   "the address %s of the site %s would not fit into this network",
	domain.ReasonPoolOfSites:    "the address %s of the site %s is in this pool",
	domain.ReasonHasSites:       "sites have configs of this instance: --force deletes these too",
	domain.ReasonTemplate:       "line %d, column %d of the model: %s",
	domain.ReasonTemplateOf:     "the model would not do for the instance %s any more: line %d, column %d: %s",
	domain.ReasonDirective:      "line %d, column %d, %s: %s",
	domain.ReasonRenewEarly:     "the new certificate would not end later than the present one, at %s",
	domain.ReasonOutsideTunnel:  "the address is outside the tunnel network, %s",
	domain.ReasonNetworkAddress: "this is the address of the network %s itself",
	domain.ReasonBroadcast:      "this is the broadcast address of the network %s",
	domain.ReasonServerAddress:  "this is the address of the server in the tunnel",
	domain.ReasonInPool:         "the address is in the pool that the server gives out, from %s to %s",
	domain.ReasonAddressTaken:   "the address belongs to %s",
	domain.ReasonTunnelFull:     "the tunnel network, %s, has no free address",
	domain.ReasonNoTunnel:       "the instance has no tunnel network of IPv%d",
	domain.ReasonNeedsAddress:   "the instance gives out no addresses (--dhcp): the site needs a static one",
	domain.ReasonOverlapLAN:     "%s, of %s, overlaps %s, a LAN of %s: for sites with equal LANs, use --nat and --allow-overlap",
	domain.ReasonOverlapTunnel:  "%s, of %s, overlaps %s, a tunnel network of %s",
	domain.ReasonOverlapOwn:     "%s overlaps %s of the same site",
	domain.ReasonOwnLAN:         "the route would lead the site's own LAN, %s, through the tunnel",
	domain.ReasonNoLAN:          "not one of the networks of --iroute",
	domain.ReasonMappedSize:     "it must be another network of the same size, /%d",
	domain.ReasonOtherCA:        "the client's certificate is of the CA %s, which the instance (CA %s) does not accept",
	domain.ReasonNoSite:         "the client is no site of that instance: make it one with chaveiro client config set",
	domain.ReasonNoRemotes:      "the instance has no remote: give the address at which sites reach it with chaveiro instance update --remote",
	domain.ReasonKeyElsewhere:   "the private key is not kept here: --without-key names the file of the key that the site has",
	domain.ReasonKit:            "the format %s does not do, %s: change %s of the instance or the client",
}

// wordsOf returns the text for a reason, if there is one.
func wordsOf(reason domain.Reason) (string, bool) {
	if text, ok := words[reason]; ok {
		return text, true
	}
	text, ok := tunnelWords[reason]
	return text, ok
}

// readable are the arguments of a fault as people read them.
func readable(fault *domain.Error) []any {
	texts := make([]any, len(fault.Args))
	for i, arg := range fault.Args {
		texts[i] = arg
		if at, ok := arg.(time.Time); ok {
			texts[i] = at.UTC().Format(time.RFC3339)
		}
	}
	if fault.Reason == domain.ReasonDirective { // the last argument is a reason of package openvpn
		last := len(texts) - 1
		texts[last] = openvpn.Reason(fmt.Sprint(texts[last])).Text()
	}
	return texts
}
