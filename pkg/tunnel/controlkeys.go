package tunnel

import (
	"context"
	"fmt"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/openvpn"
)

// A key of a control channel is sealed, and bound to its instance.

func controlContext(id int64) string { return fmt.Sprintf("instance-control/%d", id) }

// SealedContexts says what the sealed values of this package are bound to.
func SealedContexts() map[domain.SealedKind]func(domain.SealedPlace) string {
	control := func(p domain.SealedPlace) string { return controlContext(p.ID) }
	return map[domain.SealedKind]func(domain.SealedPlace) string{
		domain.SealedControlKey: control, domain.SealedEarlierControl: control,
		domain.SealedSiteKey: func(p domain.SealedPlace) string { return siteKeyContext(p.ID, p.ClientID) },
	}
}

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

// setControl replaces the key of the control channel of an instance. earlier is the sealed key
// before, which the server still has; nil is none.
func (s *Instances) setControl(ctx context.Context, tx domain.Store, id int64, key, earlier []byte) error {
	keys := domain.InstanceKeys{Earlier: earlier}
	if key != nil {
		keys.Control = s.Keys.Seal(key, controlContext(id))
	}
	return tx.Instances().SetKeys(ctx, id, keys)
}
