package domain

import (
	"errors"
	"net/mail"
	"unicode"
	"unicode/utf8"
)

// The upper bounds of X.520 for the parts of a subject (RFC 5280, appendix A.1), in characters, and
// this service's own for the others.
const (
	MaxCommonName   = 64
	MaxOrganization = 64
	MaxSector       = 64
	MaxProvince     = 128
	MaxCity         = 128
	MaxEmail        = 255
	MaxDescription  = 1000
	MaxPassword     = 1024
)

// checkText returns the fault of a free text of at most limit characters. Line breaks and tabs are
// allowed if multiline.
func checkText(field, text string, limit int, multiline bool) error {
	if !utf8.ValidString(text) {
		return Fault(Invalid, field, ReasonControl)
	}
	if utf8.RuneCountInString(text) > limit {
		return Fault(Invalid, field, ReasonTooLong, limit)
	}
	for _, r := range text {
		if multiline && (r == '\n' || r == '\r' || r == '\t') {
			continue
		}
		if unicode.IsControl(r) {
			return Fault(Invalid, field, ReasonControl)
		}
	}
	return nil
}

func requireEmail(email string) error {
	if email == "" {
		return Fault(Required, "email", ReasonRequired)
	}
	return nil
}

func checkEmail(email string) error {
	if email == "" {
		return nil
	}
	if err := checkText("email", email, MaxEmail, false); err != nil {
		return err
	}
	address, err := mail.ParseAddress(email)
	if err != nil || address.Address != email {
		return Fault(Invalid, "email", ReasonEmail)
	}
	return nil
}

func checkCountry(country string) error {
	if country == "" || len(country) == 2 && isLetter(country[0]) && isLetter(country[1]) {
		return nil
	}
	return Fault(Invalid, "country", ReasonCountry)
}

func isLetter(b byte) bool { return 'A' <= b && b <= 'Z' || 'a' <= b && b <= 'z' }

// Subject is what a CA or a client states about itself, in its certificate and in its record.
type Subject struct {
	Country      string // ISO 3166 alpha-2
	Province     string
	City         string
	Organization string
	Sector       string // organizational unit
	Email        string
}

// Validate joins the faults of all fields; Email may be empty.
func (s Subject) Validate() error {
	return errors.Join(
		checkEmail(s.Email),
		checkCountry(s.Country),
		checkText("province", s.Province, MaxProvince, false),
		checkText("city", s.City, MaxCity, false),
		checkText("organization", s.Organization, MaxOrganization, false),
		checkText("sector", s.Sector, MaxSector, false),
	)
}

// RecordUpdate is a partial change of the fields that CAs and clients have in common: nil is
// unchanged, "" clears.
type RecordUpdate struct {
	Description, Country, Province, City, Organization, Sector, Email *string
}

// apply writes the fields that are set into the record, and checks only those: the subject of an
// imported certificate may break the rules.
func (u RecordUpdate) apply(description *string, s *Subject) error {
	var asked Subject
	var text string
	targets := []*string{description, &s.Country, &s.Province, &s.City, &s.Organization, &s.Sector, &s.Email}
	checked := []*string{
		&text, &asked.Country, &asked.Province, &asked.City, &asked.Organization, &asked.Sector, &asked.Email,
	}
	for i, value := range []*string{u.Description, u.Country, u.Province, u.City, u.Organization, u.Sector, u.Email} {
		if value != nil {
			*targets[i], *checked[i] = *value, *value
		}
	}
	var cleared error
	if u.Email != nil {
		cleared = requireEmail(*u.Email)
	}
	return errors.Join(cleared, checkDescription(text), asked.Validate())
}

func checkDescription(text string) error { return checkText("description", text, MaxDescription, true) }
