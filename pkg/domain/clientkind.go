package domain

// ClientKind is whom a client connects. It never changes.
type ClientKind int

// The kinds of clients. They have certificates, names and ids in common.
const (
	Site2Site ClientKind = iota // a site, with its LANs
	Site2User                   // a person with a PC or a phone
)

// String is the kind as the audit has it.
func (k ClientKind) String() string {
	if k == Site2User {
		return "site2user"
	}
	return "site2site"
}
