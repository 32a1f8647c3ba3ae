// Package kits writes what a site needs to set up its end of a tunnel: one file or several, in the
// form that the site's router takes. It imports openvpn.
//
// A kit is made of a Profile, which has plain values. Each format is a template file in this
// folder, a row of abilities, and the documents of its vendor. What a router can't do is an
// [Unsupported] that names the setting to change, never a kit that leaves it out.
//
// No value reaches a file as it is. Addresses, ports, names of algorithms and PEM are checked
// against what is allowed and written anew; free text is one line of printable characters, quoted
// by the rules of the file that it goes into. So no text of a site can add a directive, a command
// or a file.
package kits
