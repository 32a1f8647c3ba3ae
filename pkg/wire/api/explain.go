package api

import "github.com/chaveiro/chaveiro/pkg/domain"

// Explanation is an error as the dialect tells it, for pages that belong to no operation.
type Explanation struct {
	Status int
	Texts  []string // one for each fault
	Fields []string // which field each is of; empty: of none
}

// Explain returns the status of an error, and its texts in the language of an Accept-Language
// header.
func Explain(err error, acceptLanguage string) Explanation {
	status, body := render(err, languageOf(acceptLanguage))
	e := Explanation{Status: status}
	for _, fault := range body.Errors {
		e.Texts, e.Fields = append(e.Texts, fault.Msg), append(e.Fields, fault.Field)
	}
	if wait := domain.RetryAfter(err); wait > 0 {
		e.Status = 503
	}
	return e
}
