package store

import (
	"database/sql/driver"
	"encoding/json"
	"errors"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// storedList is a list that a column holds as JSON. A text that is not such a list is an error when
// the row is read: a list that can't be read must not be taken for an empty one.
type storedList[T any] []T

// Scan implements sql.Scanner.
func (l *storedList[T]) Scan(value any) error {
	*l = nil
	var err error
	switch text := value.(type) {
	case string:
		err = json.Unmarshal([]byte(text), (*[]T)(l))
	case []byte:
		err = json.Unmarshal(text, (*[]T)(l))
	}
	if err == nil && *l == nil { // NULL, or null in JSON
		err = errors.New("store: there is no list in the column")
	}
	return err
}

// Value implements driver.Valuer.
func (l storedList[T]) Value() (driver.Value, error) { return l.text() }

func (l storedList[T]) text() (string, error) {
	if len(l) == 0 {
		return "[]", nil
	}
	text, err := json.Marshal([]T(l))
	return string(text), err
}

// storedObject is an object that a column holds as JSON. A text that is no such object is an error
// when the row is read.
type storedObject[T any] struct{ object T }

// Scan implements sql.Scanner.
func (o *storedObject[T]) Scan(value any) error {
	*o = storedObject[T]{}
	switch text := value.(type) {
	case string:
		return json.Unmarshal([]byte(text), &o.object)
	case []byte:
		return json.Unmarshal(text, &o.object)
	}
	return errors.New("store: there is no object in the column")
}

// Value implements driver.Valuer.
func (o storedObject[T]) Value() (driver.Value, error) {
	text, err := json.Marshal(o.object)
	return string(text), err
}

// The JSON forms of the parts of devices. The names are those of the first release; they stay when
// the names in domain change.
type (
	storedConnectivity struct {
		Type string `json:"Type"`
		Port int    `json:"Port"`
	}
	storedRemote struct {
		Connectivity string `json:"Connectivity"`
		Expect       string `json:"Expect"`
		Fill         string `json:"Fill"`
	}
)

func toStoredConnectivity(c domain.Connectivity) storedConnectivity { return storedConnectivity(c) }
func (c storedConnectivity) entity() domain.Connectivity            { return domain.Connectivity(c) }

func toStoredRemote(r domain.RemoteExpression) storedRemote { return storedRemote(r) }
func (r storedRemote) entity() domain.RemoteExpression      { return domain.RemoteExpression(r) }

// each converts the elements of a list. Nil stays nil.
func each[A, B any](list []A, convert func(A) B) []B {
	if list == nil {
		return nil
	}
	converted := make([]B, len(list))
	for i, one := range list {
		converted[i] = convert(one)
	}
	return converted
}

// hashPlace is the destination of a hash in a scan. NULL becomes zeros, and a hash that is too
// short ends with zeros: a check of the chain then finds that it does not fit.
type hashPlace [32]byte

// placeOf returns the destination of a scan into hash.
func placeOf(hash *[32]byte) *hashPlace { return (*hashPlace)(hash) }

// Scan implements sql.Scanner.
func (h *hashPlace) Scan(value any) error {
	*h = hashPlace{}
	octets, _ := value.([]byte)
	copy(h[:], octets)
	return nil
}
