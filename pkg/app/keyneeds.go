package app

import (
	"context"

	"github.com/chaveiro/chaveiro/pkg/masterkey"
	"github.com/chaveiro/chaveiro/pkg/seal"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// neededPrints are the fingerprints of the master keys that may be needed to open what is in a
// database: those from the last rotation on whose end is certain, and before one all.
func neededPrints(ctx context.Context, db *store.Reading, keys *seal.Keyring) (map[uint32]string, error) {
	known, err := db.MasterKeys(ctx)
	if err != nil {
		return nil, err
	}
	prints := keys.Fingerprints()
	for _, k := range known {
		if k.EndedAt.IsZero() || Now().Sub(k.Since) < masterkey.SettleFor {
			continue
		}
		for version := range prints {
			if version < k.Version {
				delete(prints, version)
			}
		}
	}
	for version := range prints { // a key that waits for its rotation has sealed nothing
		if len(known) > 0 && version > known[len(known)-1].Version {
			delete(prints, version)
		}
	}
	return prints, nil
}
