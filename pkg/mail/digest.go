package mail

import (
	"cmp"
	"slices"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// The bounds of a letter. What is beyond is counted.
const (
	maxLines        = 25  // of a section
	maxLetterLines  = 150 // of all sections
	maxSectionTypes = 100
)

// digest is what a letter tells: of each type how many events there were, and the first ones.
type digest struct {
	count       int
	lines       int
	first, last time.Time
	begun       time.Time // when the first event was added, by the clock of this process
	sections    []section
}

// section has the events of one type.
type section struct {
	kind   domain.EventType
	count  int
	events []domain.StreamEvent // the first ones
}

// add counts an event, and keeps it while there is room.
func (d *digest) add(e domain.StreamEvent, now time.Time) {
	if d.count++; d.count == 1 {
		d.first, d.last, d.begun = e.At, e.At, now
	}
	if e.At.Before(d.first) {
		d.first = e.At
	}
	if e.At.After(d.last) {
		d.last = e.At
	}
	s := d.section(e.Type)
	if s == nil {
		return
	}
	s.count++
	if len(s.events) < maxLines && d.lines < maxLetterLines {
		s.events, d.lines = append(s.events, e), d.lines+1
	}
}

// ripe reports whether the first event waits for so long, or was there for so long. An event of a
// clock that is ahead waits no longer than others.
func (d *digest) ripe(now time.Time, wait time.Duration) bool {
	return now.Sub(d.first) >= wait || now.Sub(d.begun) >= wait
}

// section finds or begins the section of a type; nil: there are too many.
func (d *digest) section(kind domain.EventType) *section {
	i := slices.IndexFunc(d.sections, func(s section) bool { return s.kind == kind })
	if i < 0 && len(d.sections) < maxSectionTypes {
		i = len(d.sections)
		d.sections = append(d.sections, section{kind: kind})
	}
	if i < 0 {
		return nil
	}
	return &d.sections[i]
}

// sorted are the sections, what is more pressing first.
func (d *digest) sorted() []section {
	return slices.SortedStableFunc(slices.Values(d.sections), func(a, b section) int {
		return cmp.Or(cmp.Compare(domain.MailRank(a.kind), domain.MailRank(b.kind)), cmp.Compare(a.kind, b.kind))
	})
}
