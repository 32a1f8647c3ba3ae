package mail

import (
	"bytes"
	"embed"
	"fmt"
	htmltemplate "html/template"
	"strings"
	"sync"
	texttemplate "text/template"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

//go:embed templates
var files embed.FS

// tongue writes in one language. In the file of a language each type of events has two templates:
// one of its name for a sentence about one event, and one of its name and "/title" for the heading
// of several. Types that it does not know have those of "other".
type tongue struct {
	language domain.MailLanguage
	date     string // layout
	trial    string // subject
	several  string // subject of several types, with the number of events
	more     string // after the titles that fit
	text     *texttemplate.Template
	page     *htmltemplate.Template
}

// otherType is the name of the templates for types that have none of their own.
const otherType = "other"

var tongues = sync.OnceValue(func() map[domain.MailLanguage]*tongue {
	all := map[domain.MailLanguage]*tongue{
		domain.MailPortuguese: {
			date: "02/01/2006 15:04 UTC", trial: "Teste: o envio de e-mails funciona", several: "%d avisos: ", more: " e outros",
		},
		domain.MailEnglish: {
			date: "2006-01-02 15:04 UTC", trial: "Test: sending mail works", several: "%d notices: ", more: " and others",
		},
	}
	for language, t := range all {
		t.language = language
		t.parse()
	}
	return all
})

func tongueOf(language domain.MailLanguage) *tongue {
	if t, ok := tongues()[language]; ok {
		return t
	}
	return tongues()[domain.MailPortuguese]
}

// parse reads the templates. They are part of the program, so a fault in them is one of it.
func (t *tongue) parse() {
	date := func(at time.Time) string { return at.UTC().Format(t.date) }
	own := "templates/" + string(t.language) + ".tmpl"
	t.text = texttemplate.Must(texttemplate.New("").Funcs(texttemplate.FuncMap{"date": date}).
		ParseFS(files, own, "templates/letter.txt.tmpl"))
	t.page = htmltemplate.Must(htmltemplate.New("").Funcs(htmltemplate.FuncMap{"date": date}).
		ParseFS(files, own, "templates/letter.html.tmpl"))
}

// has reports whether a type has templates of its own.
func (t *tongue) has(kind domain.EventType) bool {
	return t.text.Lookup(string(kind)) != nil && t.text.Lookup(string(kind)+"/title") != nil
}

// section writes the lines of one type.
func (t *tongue) section(s section) (sectionView, error) {
	name := string(s.kind)
	if !t.has(s.kind) {
		name = otherType
	}
	title, err := t.phrase(name+"/title", eventView{Type: clean(string(s.kind), maxText)})
	v := sectionView{Title: title, Count: s.count, More: s.count - len(s.events)}
	for _, e := range s.events {
		if err != nil {
			break
		}
		var line string
		line, err = t.phrase(name, viewOf(e))
		v.Lines = append(v.Lines, lineView{e.At, line})
	}
	return v, err
}

func (t *tongue) phrase(name string, v eventView) (string, error) {
	var text bytes.Buffer
	err := t.text.ExecuteTemplate(&text, name, v)
	return strings.TrimSpace(text.String()), err
}

// subjectTitles is how many titles a subject has.
const subjectTitles = 3

// subject is the sentence of a single event, the heading of several of one type, or the headings of
// the first types.
func (t *tongue) subject(v letterView) string {
	if len(v.Sections) == 1 && v.Count == 1 && len(v.Sections[0].Lines) == 1 {
		return strings.TrimSuffix(v.Sections[0].Lines[0].Text, ".")
	}
	var titles []string
	for _, s := range v.Sections {
		titles = append(titles, fmt.Sprintf("%s (%d)", s.Title, s.Count))
	}
	if len(titles) == 1 {
		return titles[0]
	}
	text := fmt.Sprintf(t.several, v.Count) + strings.Join(titles[:min(len(titles), subjectTitles)], ", ")
	if len(titles) > subjectTitles {
		text += t.more
	}
	return text
}
