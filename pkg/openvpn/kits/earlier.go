package kits

import "slices"

// Overlaps reports whether a profile of a format can have all that is earlier beside its remotes.
// rekeyed says that the control channel has another protection, or another key. A format that is
// not known can't.
func Overlaps(name Format, remotes, earlier []Remote, rekeyed bool) bool {
	f, ok := lookUp(name)
	if !ok || len(remotes) == 0 {
		return false
	}
	return (f.can.blocks || !rekeyed) && len(f.can.also(remotes, earlier)) == len(earlier)
}

// also are the earlier remotes that the router can have beside the others.
func (a abilities) also(remotes, earlier []Remote) []Remote {
	var list []Remote
	for _, remote := range earlier {
		first := remotes[0]
		switch {
		case a.remotes == singleRemote, len(remotes)+len(list) == maxRemotes:
		case a.remotes >= oneTransport && remote.Proto != first.Proto:
		case a.remotes >= oneTransportAndPort && remote.Port != first.Port:
		case !slices.Contains(remotes, remote):
			list = append(list, remote)
		}
	}
	return list
}

// Connection is a remote with the protection of the control channel that it is tried with.
type Connection struct {
	Remote
	Control ControlKind
	Key     string
}

// connections are all that is to be tried, in this order: the remotes with the later key, because
// it is that which stays; the remotes with the earlier key, which the server has until the change
// is over; the earlier remotes with the earlier key. There are none where one key is for all.
func (v view) connections() []Connection {
	earlier := v.Earlier.Control
	if earlier == nil {
		return nil
	}
	var list []Connection
	for _, remote := range v.Remotes {
		list = append(list, Connection{remote, v.Control.Kind, v.ControlKey})
	}
	for _, remote := range slices.Concat(v.Remotes, v.Earlier.Remotes) {
		list = append(list, Connection{remote, earlier.Kind, v.EarlierKey})
	}
	return list[:min(len(list), maxRemotes)]
}

// overlap takes what the format can have of what is earlier, and leaves out the rest.
func (v *view) overlap(can abilities) {
	v.Earlier.Remotes = can.also(v.Remotes, v.Earlier.Remotes)
	if !can.blocks {
		v.Earlier.Control = nil
	}
	v.Connections = v.connections()
	if v.Connections == nil {
		v.Remotes = slices.Concat(v.Remotes, v.Earlier.Remotes)
	}
}
