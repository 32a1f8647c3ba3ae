package agent

import "strings"

// Reload is by what means OpenVPN learns of a change, from the mildest.
type Reload int

// The means.
const (
	Nothing Reload = iota // it reads lists and the files of sites when somebody connects
	Again                 // SIGUSR1: it reads its keys again, and the sites connect anew
	Reread                // SIGHUP: it reads everything again
	Restart               // it can't read its files again, because it has dropped its privileges
)

var reloadNames = [...]string{"nothing", "SIGUSR1", "SIGHUP", "restart"}

// String is what the log has.
func (r Reload) String() string { return reloadNames[min(max(r, 0), Restart)] }

// reloadFor is by what means OpenVPN learns of a change of a file, with the configuration that it
// is to have.
func reloadFor(name, config string) Reload {
	var needed Reload
	switch name {
	case nameCA, nameCert, nameKey, nameControl, nameEarlier:
		needed = Again
		if has(config, "persist-key") { // then it keeps them in memory
			needed = Reread
		}
	case nameConfig:
		needed = Reread
	}
	if needed > Nothing && has(config, "user", "group", "chroot") {
		needed = Restart
	}
	return needed
}

// fewerRoutes reports whether a configuration is another one without some of its routes, as it is
// after a site is gone. Nobody has to connect anew for that: a route to the LAN of nobody does no
// harm until OpenVPN is reloaded.
func fewerRoutes(before, after []byte) bool {
	rest := strings.Split(string(before), "\n")
	for line := range strings.SplitSeq(string(after), "\n") {
		for len(rest) > 0 && rest[0] != line && has(rest[0], "route", "route-ipv6") {
			rest = rest[1:]
		}
		if len(rest) == 0 || rest[0] != line {
			return false
		}
		rest = rest[1:]
	}
	return len(rest) == 0
}

// has reports whether a configuration has one of the directives.
func has(config string, directives ...string) bool {
	for line := range strings.Lines(config) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		for _, directive := range directives {
			if word == directive {
				return true
			}
		}
	}
	return false
}
