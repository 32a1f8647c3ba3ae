package tunnel

import (
	"context"
	"fmt"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/openvpn"
	"github.com/chaveiro/chaveiro/pkg/seal"
)

// A key of a control channel is sealed, and bound to its instance.

func controlContext(id int64) string { return fmt.Sprintf("instance-control/%d", id) }

// newControlKey makes the server's key of a control channel, as the file that OpenVPN reads; nil
// where there is none.
func newControlKey(channel domain.ControlChannel) []byte {
	switch channel {
	case domain.NoControl:
		return nil
	case domain.TLSCryptV2:
		return []byte(openvpn.NewTLSCryptServerKey().Text())
	}
	return []byte(openvpn.NewStaticKey().Text())
}

// setControl replaces the key of the control channel of an instance; nil is none.
func (s *Instances) setControl(ctx context.Context, tx domain.Store, id int64, key []byte) error {
	var keys domain.InstanceKeys
	if key != nil {
		keys.Control = s.Keys.Seal(key, controlContext(id))
	}
	return tx.Instances().SetKeys(ctx, id, keys)
}

// controlKey returns the key of the control channel of an instance. Errors: *domain.Error with
// Missing where there is none.
func controlKey(ctx context.Context, store domain.Store, sealed *seal.Keyring, id int64) ([]byte, error) {
	keys, err := store.Instances().Keys(ctx, id)
	if err != nil {
		return nil, err
	}
	if keys.Control == nil {
		return nil, domain.Fault(domain.Missing, "id", domain.ReasonNoKey)
	}
	key, err := sealed.Open(keys.Control, controlContext(id))
	if err != nil {
		return nil, fmt.Errorf("control key of instance %d: %w", id, err)
	}
	return key, nil
}
