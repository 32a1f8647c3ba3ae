package domain

// Owner names who has a network: a site and its instance, or the instance itself.
func (n OwnedNetwork) Owner() string {
	if n.ClientName == "" {
		return n.InstanceName
	}
	return n.ClientName + " (" + n.InstanceName + ")"
}

// Overlaps is the fault of a network that overlaps another one of the plan. It names both, with
// their owners.
func (n OwnedNetwork) Overlaps(field string, other OwnedNetwork) *Error {
	reason := ReasonOverlapLAN
	if other.Kind == TunnelNetwork {
		reason = ReasonOverlapTunnel
	}
	return Fault(Rule, field, reason, n.Own().String(), n.Owner(), other.Prefix.String(), other.Owner())
}
