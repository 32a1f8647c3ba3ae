package domain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"
)

// MailLanguage is the language of the letters to a recipient, as a tag of BCP 47.
type MailLanguage string

// The languages of letters.
const (
	MailPortuguese MailLanguage = "pt-BR"
	MailEnglish    MailLanguage = "en"
)

// The bounds of recipients of mail.
const (
	MaxMailRecipients = 200
	MaxMailEvents     = 50  // types and groups of one recipient
	MaxMailAddress    = 254 // octets, RFC 5321, section 4.5.3.1.3, without the angle brackets
	DefaultMailDays   = 30
)

// MailRecipient is an address that events are mailed to.
type MailRecipient struct {
	ID       int64
	Address  string // in ASCII
	Language MailLanguage
	// Events are types and groups of which the recipient gets the events; none: MailAlarms.
	Events     []string
	Resource   Scope // only events of such resources; empty: of all
	ResourceID int64 // only of this one; 0: of all
	Days       int   // that something ends is mailed from so many days ahead on; see EndingDays
	Enabled    bool
	CreatedAt  time.Time
	UpdatedAt  time.Time
	MailState
}

// MailState is how far the mail to a recipient is. Events are mailed in the order of their ids.
type MailState struct {
	Turn int64 // how often the row has changed, by anyone: see MailRecipients.Note
	Told int64 // all events up to this id are mailed, or not for the recipient
	// A letter with the events up to Last is on its way, if Last is not 0. It keeps its MessageID
	// and date until it is delivered.
	Last      int64
	MessageID string
	WrittenAt time.Time

	Attempts int       // of that letter that have failed
	RetryAt  time.Time // when the next attempt is due
	Failure  string    // what the last attempt has failed with; empty: it has not
	FailedAt time.Time // when the address was refused for good; zero: it was not
	SentAt   time.Time // the last letter
	Sent     int64     // how many letters
}

// Waits reports whether a letter is on its way.
func (s MailState) Waits() bool { return s.Last != 0 }

// Delivered is the state after the letter that was on its way was delivered.
func (s MailState) Delivered(now time.Time) MailState {
	return MailState{Turn: s.Turn, Told: s.Last, SentAt: now, Sent: s.Sent + 1}
}

// Selects reports whether an event is mailed to the recipient.
func (r MailRecipient) Selects(e StreamEvent) bool { return r.Chooses(e.Type) && r.Concerns(e) }

// Chooses reports whether the recipient gets events of a type.
func (r MailRecipient) Chooses(t EventType) bool {
	list := r.Events
	if len(list) == 0 {
		list = []string{MailAlarms}
	}
	return selectsType(list, t)
}

// Concerns reports whether an event of a type that the recipient gets is one of its resource, and
// near enough.
func (r MailRecipient) Concerns(e StreamEvent) bool {
	if r.Resource != "" && r.Resource != e.Resource || r.ResourceID != 0 && r.ResourceID != e.ResourceID {
		return false
	}
	return !strings.HasSuffix(string(e.Type), ".expiring") || e.days() <= r.Days
}

// days is how many days ahead an event tells that something ends; 0 when it does not say.
func (e StreamEvent) days() int {
	var data EventData
	_ = json.Unmarshal([]byte(e.Data), &data) // of a text that can't be read nothing is known
	return data.Days
}

// Validate joins the faults of all fields.
func (r MailRecipient) Validate() error {
	faults := []error{checkMailAddress(r.Address), checkText("resource", string(r.Resource), MaxScopeName, false)}
	if r.Language != MailPortuguese && r.Language != MailEnglish {
		choices := string(MailPortuguese) + ", " + string(MailEnglish)
		faults = append(faults, Fault(Invalid, "language", ReasonChoice, choices))
	}
	if r.ResourceID != 0 && r.Resource == "" {
		faults = append(faults, Fault(Invalid, "resource_id", ReasonMailResource))
	}
	faults = append(faults, checkRange("days", r.Days, 1, slices.Max(EndingDays)), checkMailEvents(r.Events))
	return errors.Join(faults...)
}

// MaxScopeName bounds the name of a kind of resources, in characters.
const MaxScopeName = 64

// checkMailAddress takes what every server takes: ASCII, and no quoted local part.
func checkMailAddress(address string) error {
	if address == "" {
		return Fault(Required, "address", ReasonRequired)
	}
	parsed, err := mail.ParseAddress(address)
	odd := strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"<>,;`, r) })
	if err != nil || odd || parsed.Address != address || len(address) > MaxMailAddress {
		return Fault(Invalid, "address", ReasonEmail)
	}
	return nil
}

func checkMailEvents(list []string) error {
	if len(list) > MaxMailEvents {
		return Fault(Invalid, "events", ReasonTooMany, MaxMailEvents)
	}
	var faults FaultList
	for i, name := range list {
		switch place := fmt.Sprintf("events[%d]", i); {
		case !knownSelection(name):
			faults.Add(Fault(Invalid, place, ReasonMailEvents))
		case slices.Contains(list[:i], name):
			faults.Add(Fault(Invalid, place, ReasonTwice))
		}
	}
	return faults.Err()
}

// MailRecipientUpdate is a partial change: nil is unchanged, "" and an empty list clear.
type MailRecipientUpdate struct {
	Address    *string
	Language   *string
	Events     []string // nil: unchanged
	Resource   *string
	ResourceID *int64
	Days       *int
	Enabled    *bool
}

// Apply changes r, or says which fields are at fault and leaves r in an undefined state. Without a
// Resource there is no ResourceID either. An address that was refused for good is tried again after
// a change of the address, or when it is enabled again.
func (u MailRecipientUpdate) Apply(r *MailRecipient) error {
	before := *r
	set(&r.Address, u.Address)
	if u.Language != nil {
		r.Language = MailLanguage(*u.Language)
	}
	if u.Events != nil {
		r.Events = u.Events
	}
	if u.Resource != nil {
		if r.Resource = Scope(*u.Resource); r.Resource == "" {
			r.ResourceID = 0
		}
	}
	set(&r.ResourceID, u.ResourceID)
	set(&r.Days, u.Days)
	set(&r.Enabled, u.Enabled)
	if r.Address != before.Address || u.Enabled != nil && *u.Enabled {
		r.FailedAt, r.Failure, r.Attempts, r.RetryAt = time.Time{}, "", 0, time.Time{}
	}
	return r.Validate()
}

// MailRecipients keeps the addresses that events are mailed to, and how far the mail to each is. An
// address is unique regardless of case. One replica at a time sends; for some time two may think
// that they do. What they store is fenced by Turn.
//
// The group MailRecipients of the suite tests it.
type MailRecipients interface {
	// Page returns one page of all recipients, by ascending id. See PageRequest for its bounds.
	Page(ctx context.Context, page PageRequest) (Page[MailRecipient], error)
	// Get returns one recipient. Errors: Missing.
	Get(ctx context.Context, id int64) (MailRecipient, error)
	// Lock is a Get after which no other transaction can change the recipient until this one ends.
	// It has to be called inside a transaction: outside, the lock ends with the call. Errors:
	// Missing.
	Lock(ctx context.Context, id int64) (MailRecipient, error)
	// Count returns how many there are.
	Count(ctx context.Context) (int, error)
	// Create stores r and sets r.ID. Errors: Duplicated on address.
	Create(ctx context.Context, r *MailRecipient) error
	// Update stores everything of r but CreatedAt, and counts up Turn. Errors: Missing; Duplicated
	// on address.
	Update(ctx context.Context, r MailRecipient) error
	// Delete removes a recipient. Errors: Missing.
	Delete(ctx context.Context, id int64) error

	// Active returns all that are enabled and were not refused for good, by ascending id.
	Active(ctx context.Context) ([]MailRecipient, error)
	// Note stores the state of a recipient if its Turn is still that of the state, which it counts
	// up, and reports whether it did. It does not lock.
	Note(ctx context.Context, id int64, state MailState) (bool, error)
	// Skip stores that all events up to an id are not for these recipients, if they have no letter
	// on its way.
	Skip(ctx context.Context, ids []int64, told int64) error
}
