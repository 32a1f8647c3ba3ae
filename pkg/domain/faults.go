package domain

import (
	"errors"
	"strings"
)

// MaxFaults is how many faults an answer has at most. All code that collects faults stops there.
const MaxFaults = 1000

// FaultList collects errors until they join MaxFaults faults. The zero value is an empty list.
type FaultList struct {
	errs  []error
	count int
}

// Add adds an error and all that it joins. It ignores nil, and everything once the list is full.
func (l *FaultList) Add(err error) {
	if err == nil || l.Full() {
		return
	}
	l.errs = append(l.errs, err)
	l.count += max(1, len(Faults(err)))
}

// Full reports whether the list is full: the caller can stop looking for faults.
func (l *FaultList) Full() bool { return l.count >= MaxFaults }

// Err joins the collected errors; nil when there are none.
func (l *FaultList) Err() error { return errors.Join(l.errs...) }

// Faults returns every *Error joined in err (see errors.Join), at most MaxFaults of them, or nil
// when err holds anything else as well.
func Faults(err error) []*Error {
	var all []*Error
	if !appendFaults(&all, err) {
		return nil
	}
	return all
}

func appendFaults(all *[]*Error, err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			if len(*all) >= MaxFaults {
				return true
			}
			if !appendFaults(all, one) {
				return false
			}
		}
		return true
	}
	fault, ok := errors.AsType[*Error](err)
	if ok {
		*all = append(*all, fault)
	}
	return ok
}

// Within returns the faults of err with their fields inside place: rows[2].name for the place
// rows[2]. What is no fault is returned as it is.
func Within(place string, err error) error {
	return eachFault(err, func(fault *Error) { fault.Field = strings.TrimSuffix(place+"."+fault.Field, ".") })
}

// AtLine returns the faults of err with their line of a file. What is no fault is returned as it
// is.
func AtLine(line int, err error) error {
	return eachFault(err, func(fault *Error) { fault.Line = line })
}

// eachFault returns copies of the faults of err that change has changed.
func eachFault(err error, change func(*Error)) error {
	var all FaultList
	for _, one := range Faults(err) {
		changed := *one
		change(&changed)
		all.Add(&changed)
	}
	if all.count == 0 {
		return err
	}
	return all.Err()
}

// MaxCause is how many bytes of an error's text go into a log line or an event.
const MaxCause = 2 << 10

// Cause is the text of an error for the log, cut at MaxCause bytes.
func Cause(err error) string {
	text := err.Error()
	if faults := Faults(err); len(faults) > 1 { // joined again, without the faults beyond the cut
		text = causes(faults)
	}
	return CutCause(text)
}

func causes(faults []*Error) string {
	var text strings.Builder
	for i, fault := range faults {
		if i > 0 {
			text.WriteByte('\n')
		}
		if text.WriteString(fault.Error()); text.Len() > MaxCause {
			break
		}
	}
	return text.String()
}

// CutCause cuts a text at MaxCause bytes, between characters.
func CutCause(text string) string {
	const mark = "…"
	if len(text) <= MaxCause {
		return text
	}
	return strings.ToValidUTF8(text[:MaxCause-len(mark)], "") + mark
}
