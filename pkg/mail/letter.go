package mail

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/mail/smtp"
)

// Writer writes letters.
type Writer struct {
	URL string // of the service, as recipients reach it; empty: letters have none
}

// eventView is an event as the templates of the types get it. Texts are clean.
type eventView struct {
	Type, Resource  string
	ID              int64
	Name            string // of the resource; its kind and id if it has none
	Actor           string // empty: the service itself, or nobody known
	Address, Reason string
	Days            int
	ExpiresAt       time.Time
	Number          string // of a list
	Entries, Added  int
	Changed         string // names of fields, with commas between
}

func viewOf(e domain.StreamEvent) eventView {
	var data domain.EventData
	_ = json.Unmarshal([]byte(e.Data), &data) // what can't be read is not told
	v := eventView{
		Type: clean(string(e.Type), maxText), Resource: clean(string(e.Resource), maxText), ID: e.ResourceID,
		Name: clean(e.ResourceName, maxText), Actor: clean(e.ActorName, maxText), Address: clean(data.Address, maxText),
		Reason: clean(data.Reason, maxText), Days: data.Days, Number: clean(data.Number, maxText),
		Changed: clean(strings.Join(data.Changed, ", "), maxText),
	}
	if v.Name == "" && e.ResourceID != 0 {
		v.Name = fmt.Sprintf("%s %d", v.Resource, v.ID)
	}
	v.ExpiresAt, _ = time.Parse(time.RFC3339, data.ExpiresAt) // zero: not known
	if data.Entries != nil {
		v.Entries = *data.Entries
	}
	if data.Added != nil {
		v.Added = *data.Added
	}
	return v
}

// letterView is what the templates of whole letters get.
type letterView struct {
	Lang     string
	Subject  string
	Trial    bool
	Count    int
	From, To time.Time // of the events
	Late     bool      // the oldest events waited for long
	Sections []sectionView
	Service  string // the URL
	Address  string // of the recipient
	ID       int64  // of the recipient
}

type sectionView struct {
	Title string
	Count int
	More  int // how many are counted only
	Lines []lineView
}

type lineView struct {
	At   time.Time
	Text string
}

// lateAfter is for how long an event may wait before its letter says so.
const lateAfter = time.Hour

// digest writes the letter of the events that wait. It is the same whenever it is written.
func (w Writer) digest(r domain.MailRecipient, d *digest) (smtp.Message, error) {
	tongue := tongueOf(r.Language)
	v := letterView{
		Count: d.count, From: d.first, To: d.last, Late: r.WrittenAt.Sub(d.first) > lateAfter,
	}
	for _, s := range d.sorted() {
		shown, err := tongue.section(s)
		if err != nil {
			return smtp.Message{}, err
		}
		v.Sections = append(v.Sections, shown)
	}
	v.Subject = tongue.subject(v)
	return w.write(tongue, r, v)
}

// trial writes the letter that says that mail works.
func (w Writer) trial(r domain.MailRecipient) (smtp.Message, error) {
	tongue := tongueOf(r.Language)
	return w.write(tongue, r, letterView{Trial: true, Subject: tongue.trial})
}

func (w Writer) write(t *tongue, r domain.MailRecipient, v letterView) (smtp.Message, error) {
	v.Lang, v.Service, v.Address, v.ID = string(t.language), w.service(), r.Address, r.ID
	v.Subject = clean("["+w.prefix()+"] "+v.Subject, maxSubject)
	var text, page bytes.Buffer
	if err := t.text.ExecuteTemplate(&text, "letter", v); err != nil {
		return smtp.Message{}, err
	}
	if err := t.page.ExecuteTemplate(&page, "page", v); err != nil {
		return smtp.Message{}, err
	}
	return smtp.Message{
		To: r.Address, ID: r.MessageID, Date: r.WrittenAt, Subject: v.Subject, Language: v.Lang, Text: text.String(),
		HTML: page.String(),
	}, nil
}

// service is the URL of the service without its password.
func (w Writer) service() string {
	u, err := url.Parse(w.URL)
	if err != nil || u.Host == "" {
		return ""
	}
	u.User = nil
	return u.String()
}

// prefix tells the services apart that mail to the same address.
func (w Writer) prefix() string {
	u, err := url.Parse(w.URL)
	if err != nil {
		return "Chaveiro"
	}
	return cmp.Or(u.Hostname(), "Chaveiro")
}
