package domain

import (
	"crypto/rand"
	"crypto/subtle"
	"time"
)

// Binding has the random texts that tie credentials to the row that they were made for: after a
// restore another row may have the same id and generation. A row of a version before schema 5 has
// none, and credentials without such a text are valid for it.
type Binding struct {
	Own     string // of the present generation
	Before  string // of the previous generation
	Passing string // of the access tokens and sessions made from either; a new value ends them all, and nothing else
}

// NewBinding returns the binding of a new row.
func NewBinding() Binding { return Binding{Own: rand.Text(), Passing: rand.Text()} }

// Next returns the binding of the next generation.
func (b Binding) Next() Binding { return Binding{Own: rand.Text(), Before: b.Own, Passing: b.Passing} }

// Closed returns the binding with a new Passing, which ends all access tokens and sessions for
// good.
func (b Binding) Closed() Binding {
	b.Passing = rand.Text()
	return b
}

// BoundBy returns the text that credentials of a generation carry. Access tokens and sessions,
// which are passing, carry another one than the credentials that they are made from.
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

// Bound reports, in constant time, whether text is the one that a credential of the generation must
// carry for this row.
func (h Holder) Bound(generation int64, passing bool, text string) bool {
	return subtle.ConstantTimeCompare([]byte(h.BoundBy(generation, passing)), []byte(text)) == 1
}

// At returns the holder as a credential of a generation stands for it: what is made from that
// credential is of the same generation, and ends when the credential does.
func (h Holder) At(generation int64) Holder {
	if generation != h.Generation && !h.PreviousUntil.IsZero() &&
		(h.ExpiresAt.IsZero() || h.PreviousUntil.Before(h.ExpiresAt)) {
		h.ExpiresAt = h.PreviousUntil
	}
	h.Binding.Own = h.BoundBy(generation, false)
	h.Generation = generation
	return h
}

// Left returns how long a credential that is made now may live: life, but not longer than its
// holder.
func (h Holder) Left(now time.Time, life time.Duration) time.Duration {
	if left := h.ExpiresAt.Sub(now); !h.ExpiresAt.IsZero() && left < life {
		return left
	}
	return life
}
