package domain

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// MaxRemotes is how many remotes an instance has at most; OpenVPN takes 64 (CONNECTION_LIST_SIZE).
const MaxRemotes = 64

// String writes a remote as ParseEndpoint reads it.
func (r Remote) String() string {
	text := r.Host
	if r.Port != 0 {
		if strings.Contains(text, ":") {
			text = "[" + text + "]"
		}
		text += ":" + strconv.Itoa(r.Port)
	}
	if r.Proto != "" {
		text = string(r.Proto) + "://" + text
	}
	return text
}

// ParseEndpoint reads a remote: vpn.example.com, vpn.example.com:1194, [2001:db8::1]:1194,
// tcp://192.0.2.1:443, or as OpenVPN has it, vpn.example.com 443 tcp. Port and protocol are those
// of the instance where they are left out.
func ParseEndpoint(field, text string) (Remote, error) {
	var r Remote
	rest := strings.TrimSpace(text)
	scheme, after, has := strings.Cut(rest, "://")
	if has {
		r.Proto, rest = Transport(strings.ToLower(scheme)), after
	}
	if words := strings.Fields(rest); !has && (len(words) == 2 || len(words) == 3) {
		rest = words[0]
		if len(words) == 3 {
			r.Proto = Transport(strings.ToLower(words[2]))
		}
		r.Port = readPort(words[1])
	} else {
		rest, r.Port = cutPort(rest)
	}
	r.Host = strings.TrimSuffix(strings.TrimPrefix(rest, "["), "]")
	switch {
	case r.Proto != "" && r.Proto != UDP && r.Proto != TCP:
		return Remote{}, Fault(Invalid, field, ReasonEndpoint)
	case r.Port < 0:
		return Remote{}, Fault(Invalid, field, ReasonPort)
	case !isHost(r.Host):
		return Remote{}, Fault(Invalid, field, ReasonEndpoint)
	}
	r.Host = canonicalHost(r.Host)
	return r, nil
}

// cutPort returns host and port of a text; -1 for a port that is none, 0 without one. An address of
// IPv6 has a port only after brackets.
func cutPort(text string) (string, int) {
	colon := strings.LastIndexByte(text, ':')
	if colon < 0 || strings.Count(text, ":") > 1 && !strings.Contains(text, "]:") {
		return text, 0
	}
	return text[:colon], readPort(text[colon+1:])
}

func readPort(text string) int {
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return -1
	}
	return int(port)
}

// isHost reports whether a text is an address or a host name (RFC 1123, section 2.1).
func isHost(text string) bool {
	if address, err := netip.ParseAddr(text); err == nil {
		return address.Zone() == "" && isServer(address)
	}
	if text == "" || checkDNSDomain("", text) != nil {
		return false
	}
	last := text[strings.LastIndexByte(text, '.')+1:]
	return strings.Trim(last, "0123456789") != "" // else it is an address with a fault
}

func canonicalHost(text string) string {
	if address, err := netip.ParseAddr(text); err == nil {
		return address.Unmap().String()
	}
	return strings.ToLower(text)
}

// parseRemotes reads a list of at most MaxRemotes remotes, none of them twice.
func parseRemotes(field string, texts []string) ([]Remote, error) {
	if len(texts) > MaxRemotes {
		return nil, Fault(Invalid, field, ReasonTooMany, MaxRemotes)
	}
	var list []Remote
	var faults FaultList
	seen := map[Remote]bool{}
	for i, text := range texts {
		place := fmt.Sprintf("%s[%d]", field, i)
		r, err := ParseEndpoint(place, text)
		if err == nil && seen[r] {
			err = Fault(Duplicated, place, ReasonTwice)
		}
		seen[r] = true
		faults.Add(err)
		list = append(list, r)
	}
	return list, faults.Err()
}
