package mail

import (
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/mail/smtp"
)

// Letter writes the letter of some events.
func (w Writer) Letter(r domain.MailRecipient, events ...domain.StreamEvent) (smtp.Message, error) {
	var d digest
	for _, e := range events {
		d.add(e, time.Time{})
	}
	return w.digest(r, &d)
}

// TrialLetter writes the test letter.
func (w Writer) TrialLetter(r domain.MailRecipient) (smtp.Message, error) { return w.trial(r) }

// Has reports whether a language has templates for a type.
func Has(language domain.MailLanguage, kind domain.EventType) bool {
	return tongueOf(language).has(kind)
}
