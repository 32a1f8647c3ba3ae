// Package management speaks with the management interface of a running OpenVPN server: who is
// connected, end a session, send a signal. It imports nothing of this module.
//
// OpenVPN serves one client of the interface at a time, so a connection is made for a few commands
// and closed again. What it sends is bounded and need not be understood: notifications between the
// lines of an answer are skipped. Source: management-notes.txt of OpenVPN 2.6.
package management
