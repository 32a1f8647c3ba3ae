package api

import (
	"net/http"
	"time"
)

// Explanation is an error as the dialect tells it, for pages that belong to no operation.
type Explanation struct {
	Status int
	Texts  []string      // one for each fault
	Fields []string      // which field each is of; empty: of none
	Wait   time.Duration // after which it is worthwhile to try again; 0: that is not known
}

// Explain returns the status of an error, and its texts in the language of an Accept-Language
// header.
func Explain(err error, acceptLanguage string) Explanation {
	status, body := render(err, languageOf(acceptLanguage))
	e := Explanation{Status: status, Wait: waitOf(err)}
	for _, fault := range body.Errors {
		e.Texts, e.Fields = append(e.Texts, fault.Msg), append(e.Fields, fault.Field)
	}
	if e.Wait > 0 && status >= http.StatusInternalServerError {
		e.Status = http.StatusServiceUnavailable
	}
	return e
}
