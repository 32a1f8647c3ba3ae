package masterkey

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/seal"
)

// MissingError says that the keyring lacks the key that seals the database.
type MissingError struct {
	Version     uint32
	Fingerprint string // empty: not known
}

// Error says what to do.
func (e *MissingError) Error() string {
	return fmt.Sprintf(
		"the master key %d is missing here, and it seals this database (fingerprint %s): take over the key file of a "+
			"server that has it", e.Version, orUnknown(e.Fingerprint),
	)
}

// short is the fault for who asks a server how it is.
func (e *MissingError) short() string {
	return fmt.Sprintf("the master key %d is missing here", e.Version)
}

func orUnknown(text string) string {
	if text == "" {
		return "not known"
	}
	return text
}

// errOther says that the database has another key of the same version.
var errOther = errors.New("the master key is not the one this database was sealed with")

// Adopt makes a keyring seal with the version that the database says. In a database that does not
// say it yet, it stores the version that has sealed its secrets, or the newest of the keyring if
// there are none. Errors: *MissingError; it changes nothing then.
func Adopt(ctx context.Context, store domain.Store, keys *seal.Keyring, now time.Time) error {
	list, err := store.MasterKeys().All(ctx)
	if err == nil && len(list) == 0 {
		list, err = beginFirst(ctx, store, keys, now)
	}
	if err != nil {
		return fmt.Errorf("which master key seals: %w", err)
	}
	return use(keys, list)
}

// use makes a keyring seal with the last of the versions.
func use(keys *seal.Keyring, list []domain.MasterKey) error {
	if err := Check(keys, list); err != nil {
		return err
	}
	return keys.Use(list[len(list)-1].Version)
}

// Check fails if a keyring lacks the last of the versions, which seals, or has another key for one
// of them. Errors: *MissingError.
func Check(keys *seal.Keyring, list []domain.MasterKey) error {
	prints := keys.Fingerprints()
	for _, k := range list {
		if own, ok := prints[k.Version]; ok && own != k.Fingerprint {
			return fmt.Errorf(
				"%w: the key %d has the fingerprint %s here, and %s in the database", errOther, k.Version, own, k.Fingerprint,
			)
		}
	}
	if len(list) == 0 {
		return nil
	}
	newest := list[len(list)-1]
	if _, ok := prints[newest.Version]; !ok {
		return &MissingError{newest.Version, newest.Fingerprint}
	}
	return nil
}

// beginFirst stores the version that seals a database that does not say it yet.
func beginFirst(
	ctx context.Context, store domain.Store, keys *seal.Keyring, now time.Time,
) ([]domain.MasterKey, error) {
	first := domain.MasterKey{Version: keys.Newest(), Since: now, EndedAt: now}
	used, err := usedVersion(ctx, store)
	if err != nil {
		return nil, err
	}
	if used > 0 {
		first.Version = used
	}
	if used > 1 { // there may be values of versions before
		first.Remaining, first.EndedAt = -1, time.Time{}
	}
	print, ok := keys.Fingerprints()[first.Version]
	if !ok {
		return nil, &MissingError{Version: first.Version}
	}
	first.Fingerprint = print
	if _, err := store.MasterKeys().Begin(ctx, first); err != nil {
		return nil, err
	}
	return store.MasterKeys().All(ctx) // another server may have been faster
}

// usedVersion is the highest version that has sealed a secret of the service or a signing key; 0:
// there are none.
func usedVersion(ctx context.Context, store domain.Store) (used uint32, err error) {
	for _, kind := range []domain.SealedKind{domain.SealedSecret, domain.SealedSigningKey} {
		found, err := countKind(ctx, store, kind)
		if err != nil {
			return 0, err
		}
		for version := range found {
			used = max(used, version)
		}
	}
	return used, nil
}
