package domain

import (
	"crypto/rand"
	"crypto/subtle"
	"time"
)

// Binding are random texts that are in credentials and in the row that they were made for: after a restore another row may have the same id and
// generation. A row of a version before schema 5 has none, and credentials without any are good for it.
type Binding struct {
	Own     string // of the present generation
	Before  string // of the generation before
	Passing string // of the access tokens made from either; another one ends them all, and nothing else
}

// NewBinding is that of a new row.
func NewBinding() Binding { return Binding{Own: rand.Text(), Passing: rand.Text()} }

// Next is the binding of the next generation.
func (b Binding) Next() Binding { return Binding{Own: rand.Text(), Before: b.Own, Passing: b.Passing} }

// Closed ends the access tokens for good.
func (b Binding) Closed() Binding {
	b.Passing = rand.Text()
	return b
}

// BoundBy is the text in credentials of a generation: of access tokens and sessions, which are passing, or of those that they are made from.
func (h Holder) BoundBy(generation int64, passing bool) string {
	text := h.Binding.Own
	if generation != h.Generation {
		text = h.Binding.Before
	}
	if passing {
		text += h.Binding.Passing
	}
	return text
}

// Bound reports, in constant time, whether the text of a credential of a generation is the one of this row.
func (h Holder) Bound(generation int64, passing bool, text string) bool {
	return subtle.ConstantTimeCompare([]byte(h.BoundBy(generation, passing)), []byte(text)) == 1
}

// At is the holder by a credential of a generation: what is made from it is of that generation, and ends when that does.
func (h Holder) At(generation int64) Holder {
	if generation != h.Generation && !h.PreviousUntil.IsZero() && (h.ExpiresAt.IsZero() || h.PreviousUntil.Before(h.ExpiresAt)) {
		h.ExpiresAt = h.PreviousUntil
	}
	h.Binding.Own = h.BoundBy(generation, false)
	h.Generation = generation
	return h
}

// Left is how long something lives that is made now for so long: no longer than its holder.
func (h Holder) Left(now time.Time, life time.Duration) time.Duration {
	if left := h.ExpiresAt.Sub(now); !h.ExpiresAt.IsZero() && left < life {
		return left
	}
	return life
}
