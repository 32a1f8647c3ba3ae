package openvpn

import (
	"maps"
	"slices"
)

// Scope is a place where directives of a user may stand.
type Scope uint8

// The scopes.
const (
	ScopeServer Scope = 1 << iota // what is added to an instance's configuration
	ScopeModel                    // an instance's whole configuration, as a model gives it
	ScopeCCD                      // a file of client-config-dir
	ScopePush                     // the text of push: what a server may ask of a client
	ScopeClient                   // what is added to a client's profile
)

// rule is what is known about a directive. The names and the counts are those of OpenVPN 2.6 and
// 2.7 (options.c, add_option; OpenVPN manual).
type rule struct {
	min, max int    // parameters
	in       Scope  // where it may stand
	why      Reason // it may not stand elsewhere; empty: ReasonNotHere
	notes    note
}

// note is what else is known about a directive.
type note uint8

const (
	block     note = 1 << iota // may be a block
	blockOnly                  // where it may stand it must be a block: otherwise it names a file
	from27                     // since OpenVPN 2.7
	more27                     // OpenVPN 2.6 knows it with fewer parameters
	windows                    // only on Windows
	build                      // only if OpenVPN was built so
	gone                       // OpenVPN 2.6 does not know it any more, or only to refuse it
)

func (r rule) has(n note) bool { return r.notes&n != 0 }

// Shorthands of the tables. What may be added to an instance may be part of a model.
const (
	sv   = ScopeServer | ScopeModel
	mo   = ScopeModel
	cc   = ScopeCCD
	pu   = ScopePush
	cl   = ScopeClient
	many = MaxParameters - 1
)

// rules has all directives by name.
var rules = merged(processRules, programRules, linkRules, routeRules, serverRules, clientRules, keyRules, tlsRules)

func merged(tables ...map[string]rule) map[string]rule {
	all := map[string]rule{}
	for _, table := range tables {
		maps.Copy(all, table)
	}
	return all
}

var known = slices.Sorted(maps.Keys(rules))

// Known returns the names of all directives of OpenVPN 2.6 and 2.7, sorted.
func Known() []string { return slices.Clone(known) }

// nearest is the known name that is most like name, or nothing when none is like it. Of several it
// is the one with the longest common beginning.
func nearest(name string) string {
	if len(name) > 64 {
		return ""
	}
	best, least, shared := "", min(len(name)/2, 3)+1, 0
	for _, candidate := range known {
		d, s := distance(name, candidate), common(name, candidate)
		if d < least || d == least && best != "" && s > shared {
			best, least, shared = candidate, d, s
		}
	}
	return best
}

// common is how many bytes two names have in common at their beginning.
func common(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// distance counts the insertions, deletions and changes of bytes between two names (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		above := row[0]
		row[0] = i + 1
		for j := range b {
			change := above
			if a[i] != b[j] {
				change++
			}
			above = row[j+1]
			row[j+1] = min(change, above+1, row[j]+1)
		}
	}
	return row[len(b)]
}
