package store

import (
	"database/sql/driver"
	"encoding/json"
	"errors"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// storedList is a list as a column keeps it, in JSON. A text that is no such list is an error of
// the row: what can't be read is not taken for empty.
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

// The forms in which parts of devices are stored. The names are those of the first release, and
// stay when those of the domain change.
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

// each makes a list of the other form. Nil stays nil.
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

// hashPlace is where a query puts the hash of a link. NULL gives zeros, and so does what is missing
// of a hash that is too short: whoever checks the chain finds that it does not fit.
type hashPlace [32]byte

// placeOf is the place of a hash.
func placeOf(hash *[32]byte) *hashPlace { return (*hashPlace)(hash) }

// Scan implements sql.Scanner.
func (h *hashPlace) Scan(value any) error {
	*h = hashPlace{}
	octets, _ := value.([]byte)
	copy(h[:], octets)
	return nil
}
