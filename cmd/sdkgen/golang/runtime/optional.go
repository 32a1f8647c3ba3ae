package chaveiro

import (
	"bytes"
	"encoding/json"
)

// Optional is a field of a request that can be left out, as its zero value is; null; or a value.
//
//	chaveiro.CAUpdate{Description: chaveiro.Set("")} // clears it, and leaves the rest
type Optional[T any] struct {
	value T
	state state
}

type state int

const (
	absent state = iota
	null
	present
)

// Set returns a value, which may be an empty one.
func Set[T any](value T) Optional[T] { return Optional[T]{value, present} }

// Null returns null.
func Null[T any]() Optional[T] { return Optional[T]{state: null} }

// Get returns the value, and whether there is one.
func (o Optional[T]) Get() (T, bool) { return o.value, o.state == present }

// IsNull reports whether it is null.
func (o Optional[T]) IsNull() bool { return o.state == null }

// IsZero reports whether it is left out. encoding/json asks for it, because of the tag omitzero.
func (o Optional[T]) IsZero() bool { return o.state == absent }

// MarshalJSON implements json.Marshaler.
func (o Optional[T]) MarshalJSON() ([]byte, error) {
	if o.state != present {
		return []byte("null"), nil
	}
	return json.Marshal(o.value)
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *Optional[T]) UnmarshalJSON(text []byte) error {
	*o = Null[T]()
	if bytes.Equal(text, []byte("null")) {
		return nil
	}
	o.state = present
	return json.Unmarshal(text, &o.value)
}
