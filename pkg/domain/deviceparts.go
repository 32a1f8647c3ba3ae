package domain

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Connectivity is a way to reach a device: one of the fixed types, and a port.
type Connectivity struct {
	Type string
	Port int
}

// connectivityTypes are all types, each with its default port. Names and ports are those of the
// vendor's list of connectivities, in which X11 goes through SSH, and RM and Windows RM stand for
// WinRM.
var connectivityTypes = []Connectivity{
	{"SSH", 22}, {"Telnet", 23}, {"RDP", 3389}, {"VNC", 5900}, {"HTTP", 80}, {"HTTPS", 443}, {"MySQL", 3306},
	{"SQL Server", 1433},
	{"X11 Forward", 22}, {"Windows RPC", 135}, {"Oracle", 1521}, {"PostgreSQL", 5432}, {"LDAP", 389}, {"LDAPS", 636},
	{"RM HTTP", 5985}, {"RM HTTPS", 5986}, {"Windows RM", 5986},
}

// vendorSpelling is how the vendor spells PostgreSQL.
const vendorSpelling = "PostgreeSQL"

func connectivityType(name string) (Connectivity, bool) {
	if strings.EqualFold(name, vendorSpelling) {
		name = "PostgreSQL"
	}
	i := slices.IndexFunc(connectivityTypes, func(c Connectivity) bool { return strings.EqualFold(c.Type, name) })
	if i < 0 {
		return Connectivity{}, false
	}
	return connectivityTypes[i], true
}

// String returns the form of the wire.
func (c Connectivity) String() string { return c.Type + ":" + strconv.Itoa(c.Port) }

// maxListed bounds the connectivities and the domains of a device.
const maxListed = 100

// ParseConnectivities reads a list such as `SSH:22, SQL Server:1433`; a type without a port gets
// its default port. Duplicates count once. The result is not nil.
func ParseConnectivities(text string) ([]Connectivity, error) {
	list := []Connectivity{}
	for _, item := range splitList(text) {
		name, port := item, ""
		if i := strings.LastIndexByte(item, ':'); i >= 0 {
			name, port = strings.TrimSpace(item[:i]), strings.TrimSpace(item[i+1:])
		}
		c, known := connectivityType(name)
		if !known {
			return nil, Fault(Invalid, "connectivities", ReasonChoice, connectivityNames())
		}
		if port != "" {
			number, err := strconv.ParseUint(port, 10, 16)
			if err != nil || number == 0 {
				return nil, Fault(Invalid, "connectivities", ReasonPort)
			}
			c.Port = int(number)
		}
		if slices.Contains(list, c) {
			continue
		}
		if len(list) == maxListed {
			return nil, Fault(Invalid, "connectivities", ReasonTooMany, maxListed)
		}
		list = append(list, c)
	}
	return list, nil
}

func connectivityNames() string {
	names := make([]string, len(connectivityTypes))
	for i, c := range connectivityTypes {
		names[i] = c.Type
	}
	return strings.Join(names, ", ")
}

// FormatConnectivities is the canonical form of a list.
func FormatConnectivities(list []Connectivity) string {
	texts := make([]string, len(list))
	for i, c := range list {
		texts[i] = c.String()
	}
	return strings.Join(texts, ", ")
}

// RemoteExpression says what to type in a remote session when an expression matches.
type RemoteExpression struct {
	Connectivity string // a type
	Expect       string // a regular expression of the vendor's engine
	Fill         string
}

// ParseRemote reads `Connectivity:Expected:Fill`, one per line. The first colon ends the
// connectivity, the last begins the fill value, so that the expression can have colons. The result
// is not nil.
func ParseRemote(text string) ([]RemoteExpression, error) {
	const field = "session_remote_config"
	if err := checkText(field, text, MaxRemote, true); err != nil {
		return nil, err
	}
	list := []RemoteExpression{}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" {
			continue
		}
		first, last := strings.IndexByte(line, ':'), strings.LastIndexByte(line, ':')
		if first == last {
			return nil, Fault(Invalid, field, ReasonRemote)
		}
		c, known := connectivityType(strings.TrimSpace(line[:first]))
		if !known {
			return nil, Fault(Invalid, field, ReasonChoice, connectivityNames())
		}
		list = append(list, RemoteExpression{Connectivity: c.Type, Expect: line[first+1 : last], Fill: line[last+1:]})
	}
	return list, nil
}

// FormatRemote is the canonical form of a list.
func FormatRemote(list []RemoteExpression) string {
	lines := make([]string, len(list))
	for i, e := range list {
		lines[i] = e.Connectivity + ":" + e.Expect + ":" + e.Fill
	}
	return strings.Join(lines, "\n")
}

// ParseTags reads a list separated by commas; duplicates count once. The result is not nil.
func ParseTags(text string) ([]string, error) {
	list := uniqueNames(splitList(text))
	if err := checkNameText("device_tags", strings.Join(list, ","), MaxDeviceTags); err != nil {
		return nil, err
	}
	return list, nil
}

// ParseDomains reads a list of names and short names separated by commas; duplicates count once.
// The result is not nil.
func ParseDomains(text string) ([]string, error) {
	list := uniqueNames(splitList(text))
	if len(list) > maxListed {
		return nil, Fault(Invalid, "device_domain", ReasonTooMany, maxListed)
	}
	return list, nil
}

// uniqueNames removes later duplicates, regardless of case.
func uniqueNames(list []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(name string) bool {
		key := NameKey(name)
		twice := seen[key]
		seen[key] = true
		return twice
	})
}

// yesNo are the words for yes and no, as people and spreadsheets write them.
var yesNo = map[string]bool{
	"true": true, "1": true, "yes": true, "sim": true, "verdadeiro": true,
	"false": false, "0": false, "no": false, "não": false, "nao": false, "falso": false,
}

// parseYesNo reads a word regardless of case; an empty one is nil.
func parseYesNo(field, text string) (*bool, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, nil
	}
	yes, known := yesNo[strings.ToLower(text)]
	if !known {
		return nil, Fault(Invalid, field, ReasonType, "boolean")
	}
	return &yes, nil
}

// splitList splits at commas, trims, and drops empty items. The result is not nil.
func splitList(text string) []string {
	list := []string{}
	for item := range strings.SplitSeq(text, ",") {
		if item = CleanName(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}

// Words splits texts into the terms that a search can find: addresses, and runs of letters and
// digits, in lower case, each once.
func Words(texts ...string) []string {
	apart := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	var words []string
	for field := range strings.FieldsSeq(NameKey(strings.Join(texts, " "))) {
		if address, err := netip.ParseAddr(field); err == nil {
			words = append(words, address.String())
			continue
		}
		words = append(words, strings.FieldsFunc(field, apart)...)
	}
	return uniqueNames(words)
}

// RowFault says which row of an import is at fault.
type RowFault struct {
	Row int   // 1 is the first row after the header
	Err error // its faults have their line
}

// Error describes the fault for logs.
func (f RowFault) Error() string { return f.Err.Error() }

// Unwrap returns the cause.
func (f RowFault) Unwrap() error { return f.Err }
