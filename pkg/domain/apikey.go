package domain

import (
	"context"
	"time"
)

// MaxAPIKeyName is the length of an apikey's name in characters.
const MaxAPIKeyName = 255

// APIKey is an integration key. Its token is derived from the row and a signing secret and is not stored.
type APIKey struct {
	ID         int64
	Name       string
	Superuser  bool
	Generation int64 // counts the tokens that the key has had
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// CheckAPIKeyName checks the name of an apikey.
func CheckAPIKeyName(name string) error {
	if name == "" {
		return Fault(Required, "name", ReasonRequired)
	}
	return checkText("name", name, MaxAPIKeyName, false)
}

// APIKeys keeps the integration keys. Errors: *Error with Missing, Duplicated on name.
type APIKeys interface {
	Get(ctx context.Context, id int64) (APIKey, error)
	// Create stores k and sets its ID.
	Create(ctx context.Context, k *APIKey) error
}
