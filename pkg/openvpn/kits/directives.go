package kits

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/openvpn"
)

// extraDirectives are the directives that may be added to a client, with the least and the most
// arguments (OpenVPN 2.6 manual). None of them reads a file, runs a program, opens management, or
// weakens what the profile says elsewhere.
var extraDirectives = map[string][2]int{
	"allow-recursive-routing": {0, 0}, "auth-nocache": {0, 0}, "connect-retry": {1, 2}, "connect-retry-max": {1, 1},
	"connect-timeout": {1, 1}, "explicit-exit-notify": {0, 1}, "float": {0, 0}, "fragment": {1, 2},
	"hand-window": {1, 1}, "mssfix": {0, 2}, "mute": {1, 1}, "mute-replay-warnings": {0, 0},
	"ping": {1, 1}, "ping-exit": {1, 1}, "ping-restart": {1, 1}, "ping-timer-rem": {0, 0}, "pull-filter": {2, 2},
	"push-peer-info": {0, 0}, "rcvbuf": {1, 1}, "reneg-bytes": {1, 1}, "reneg-pkts": {1, 1},
	"replay-window": {1, 2}, "resolv-retry": {1, 1}, "route": {1, 4}, "route-delay": {0, 2}, "route-ipv6": {1, 3},
	"route-metric": {1, 1}, "route-nopull": {0, 0}, "server-poll-timeout": {1, 1}, "sndbuf": {1, 1},
	"socket-flags": {1, 1}, "tls-timeout": {1, 1}, "tran-window": {1, 1}, "txqueuelen": {1, 1}, "verb": {1, 1},
}

func (c *checker) directives(extra []Directive) {
	for i, d := range extra {
		field := fmt.Sprintf("Extra[%d]", i)
		arity, known := extraDirectives[d.Name]
		if !known {
			c.addf(field, "the directive is not allowed")
			continue
		}
		if len(d.Args) < arity[0] || len(d.Args) > arity[1] {
			c.addf(field, "%s takes %d to %d arguments", d.Name, arity[0], arity[1])
		}
		for _, arg := range d.Args {
			c.required(field, arg)
			c.text(field, arg, openvpn.MaxLine)
		}
		_, err := d.line()
		if fault, ok := errors.AsType[*openvpn.FormatError](err); ok && fault.Reason == openvpn.ReasonLineTooLong {
			c.addf(field, "the line is longer than %d bytes", openvpn.MaxLine)
		}
	}
}

// line writes the directive as OpenVPN reads it, without the end of the line.
func (d Directive) line() (string, error) {
	text, err := openvpn.Format(openvpn.Option(d.Name, d.Args...))
	return strings.TrimSuffix(text, "\n"), err
}

func (p Profile) hasExtra(name string) bool {
	return slices.ContainsFunc(p.Extra, func(d Directive) bool { return d.Name == name })
}
