// Package openvpn writes and checks what OpenVPN reads: client profiles, a server's configuration
// by a model, the configurations of clients on a server, and keys of the control channel.
//
// It knows the language of configurations ([Parse], [Format]), the directives of OpenVPN 2.6 and
// 2.7, and where each of them may stand ([Check]). It turns certificates and values that others
// have decided about into text, and decides nothing about them. It imports nothing of this module.
//
// A configuration can run programs on the machine that reads it (up, tls-verify, plugin …). So no
// value given to this package can add a directive, and text of users is compared with what is
// allowed, never with what is known to be dangerous: an unknown directive is refused.
package openvpn
