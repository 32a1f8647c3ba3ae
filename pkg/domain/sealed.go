package domain

import "context"

// SealedKind is a kind of values that are sealed under the master key. Each is a column of the
// database.
type SealedKind string

// The kinds.
const (
	SealedCAKey                SealedKind = "keys of CAs"
	SealedCertificateKey       SealedKind = "keys of certificates"
	SealedResponderKey         SealedKind = "keys of OCSP responders"
	SealedControlKey           SealedKind = "control keys of servers"
	SealedEarlierControl       SealedKind = "earlier control keys of servers"
	SealedSiteKey              SealedKind = "control keys of sites"
	SealedWebhookKey           SealedKind = "keys of webhooks"
	SealedEarlierWebhook       SealedKind = "earlier keys of webhooks"
	SealedAuthorization        SealedKind = "secrets of authorizations"
	SealedEarlierAuthorization SealedKind = "earlier secrets of authorizations"
	SealedSigningKey           SealedKind = "signing keys"
	SealedResult               SealedKind = "results of requests"
	SealedSecret               SealedKind = "secrets of the service"
)

// SealedKinds returns all kinds, in the order in which they are sealed anew: the service's own
// secrets, which say what key the database has, come last.
func SealedKinds() []SealedKind {
	return []SealedKind{
		SealedCAKey, SealedCertificateKey, SealedResponderKey, SealedControlKey, SealedEarlierControl, SealedSiteKey,
		SealedWebhookKey, SealedEarlierWebhook, SealedAuthorization, SealedEarlierAuthorization, SealedSigningKey,
		SealedResult, SealedSecret,
	}
}

// SealedPlace is what a sealed value is bound to, as far as its kind has it.
type SealedPlace struct {
	ID          int64  // of the row: an instance, a webhook, or the caller of a request
	ClientID    int64  // of a site
	Name        string // of a secret or key; the key of a request
	Caller      PrincipalKind
	Certificate []byte // DER
}

// SealedValue is a value with its place.
type SealedValue struct {
	Row    SealedRow
	Place  SealedPlace
	Sealed []byte
}

// SealedRow names a row of a kind. Only the store knows what is in it. Nil is before all rows.
type SealedRow []any

// SealedChange replaces Before by After.
type SealedChange struct {
	Row           SealedRow
	Before, After []byte
}

// SealedValues are all values of the database that are sealed under the master key, by their kinds.
// Rows are read in parts, so that no statement takes long.
//
// The group SealedValues of the suite tests it.
type SealedValues interface {
	// Count counts the values of the next rows after one, limit at most, by the octets that they
	// begin with, of which there are as many as in header. next is the last of these rows; nil:
	// there are no more rows. Rows without a value do not count.
	Count(ctx context.Context, kind SealedKind, after SealedRow, limit, header int) (
		found map[string]int64, next SealedRow, err error,
	)
	// Others returns the values of the next rows, limit at most, that begin with other octets than
	// header. next is as of Count.
	Others(ctx context.Context, kind SealedKind, after SealedRow, limit int, header []byte) (
		list []SealedValue, next SealedRow, err error,
	)
	// Replace makes changes, all in one transaction, and returns how many. Left out are values
	// that are not Before any more, rows that are gone and, on PostgreSQL, rows that are locked:
	// it waits for no row, so it can't be in a deadlock.
	Replace(ctx context.Context, kind SealedKind, changes []SealedChange) (int, error)
}
