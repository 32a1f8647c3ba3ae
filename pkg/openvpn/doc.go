// Package openvpn writes what OpenVPN reads: client profiles.
//
// It turns certificates that others issued into configuration text and decides
// nothing about them. It imports nothing of this module.
//
// A configuration file can run programs on the machine that reads it (up,
// tls-verify, plugin …). Whatever enters one is therefore checked against what
// is allowed, never escaped against what is known to be dangerous: no value
// given to this package can add a directive.
package openvpn
