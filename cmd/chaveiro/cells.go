package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// stamp is a time of a record; zero is none.
type stamp time.Time

// dialectDate is how the api dialect writes times.
const dialectDate = "2006-01-02T15:04:05.000000-07:00"

// MarshalJSON writes the time as the api dialect does, and null for none.
func (s stamp) MarshalJSON() ([]byte, error) {
	if time.Time(s).IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(s.text(true))
}

func (s stamp) text(exact bool) string {
	t := time.Time(s)
	switch {
	case t.IsZero():
		return ""
	case exact:
		return t.UTC().Format(dialectDate)
	}
	return t.UTC().Format(time.RFC3339)
}

// roleRef is a role of an apikey or a user.
type roleRef struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

type roleRefs []roleRef

func (r roleRefs) text(bool) string {
	names := make([]string, len(r))
	for i, one := range r {
		names[i] = one.Name
	}
	return strings.Join(names, ", ")
}

// scopeRight is a right of a role.
type scopeRight struct {
	Name  string `json:"name"`
	Read  bool   `json:"read"`
	Write bool   `json:"write"`
}

type scopeRights []scopeRight

// text writes the rights as the flag --scope reads them.
func (r scopeRights) text(bool) string {
	texts := make([]string, len(r))
	for i, one := range r {
		texts[i] = one.Name + ":"
		if one.Read {
			texts[i] += "r"
		}
		if one.Write {
			texts[i] += "w"
		}
	}
	return strings.Join(texts, ", ")
}

// texts is a list of texts.
type texts []string

func (t texts) text(bool) string { return strings.Join(t, ", ") }

// cell is a value as a table or CSV has it. A table has a dash for nothing, no time below a second,
// and no character that would move the cursor of a terminal.
func cell(value any, exact bool) string {
	var text string
	switch v := value.(type) {
	case interface{ text(exact bool) string }:
		text = v.text(exact)
	case *string:
		if v != nil {
			text = *v
		}
	case *bool:
		if v != nil {
			text = fmt.Sprint(*v)
		}
	case *int:
		if v != nil {
			text = fmt.Sprint(*v)
		}
	case *int64:
		if v != nil {
			text = fmt.Sprint(*v)
		}
	case json.RawMessage:
		if string(v) != "null" {
			text = string(v)
		}
	default:
		text = fmt.Sprint(v)
	}
	if exact {
		return text
	}
	if text == "" {
		return "-"
	}
	return strings.Map(visible, text)
}

func visible(r rune) rune {
	if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
		return ' '
	}
	return r
}
