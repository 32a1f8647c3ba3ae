package tunnel

import (
	"context"
	"fmt"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/openvpn"
	"github.com/chaveiro/chaveiro/pkg/openvpn/kits"
)

// siteKeyContext binds a sealed client key to its site.
func siteKeyContext(instanceID, clientID int64) string {
	return fmt.Sprintf("tls-crypt-v2-client/%d/%d", instanceID, clientID)
}

// control returns what protects the control channel of a site.
func (s *Profiles) control(ctx context.Context, i domain.Instance, c domain.Client) (kits.Control, error) {
	control := kits.Control{Kind: kits.ControlKind(i.Control)}
	if i.Control == domain.NoControl {
		return control, nil
	}
	key, err := controlKey(ctx, s.Store, s.Keys, i.ID)
	if err == nil && i.Control == domain.TLSCryptV2 {
		key, err = s.siteKey(ctx, i.ID, c, key)
	}
	control.Key = key
	return control, err
}

// siteKey returns the tls-crypt-v2 client key of a site (PEM). It is made once for each certificate
// and server key; the serial number is in its metadata, so the server can tell whose it is before
// TLS begins.
func (s *Profiles) siteKey(ctx context.Context, instanceID int64, c domain.Client, server []byte) ([]byte, error) {
	wrapping, err := openvpn.ParseTLSCryptServerKey(server)
	if err != nil {
		return nil, err
	}
	kept, err := s.Store.ClientConfigs().Key(ctx, instanceID, c.ID)
	if err != nil {
		return nil, err
	}
	if key, ok := s.openSiteKey(kept, instanceID, c, wrapping); ok {
		return key, nil
	}
	made, err := wrapping.NewClientKey(openvpn.Metadata{Type: openvpn.MetadataUser, Data: []byte(c.Serial)})
	if err != nil {
		return nil, err
	}
	key := []byte(made.Text())
	fresh := domain.SiteKey{Serial: c.Serial, Sealed: s.Keys.Seal(key, siteKeyContext(instanceID, c.ID))}
	won, err := s.Store.ClientConfigs().KeepKey(ctx, instanceID, c.ID, kept, fresh)
	if err != nil || won {
		return key, err
	}
	// Another request has just made one. Both are good; the next profile has the one that is kept.
	return key, nil
}

// openSiteKey returns a kept key, if it was made for the present certificate and server key.
func (s *Profiles) openSiteKey(
	kept domain.SiteKey, instanceID int64, c domain.Client, wrapping openvpn.TLSCryptServerKey,
) ([]byte, bool) {
	if len(kept.Sealed) == 0 || kept.Serial != c.Serial {
		return nil, false
	}
	text, err := s.Keys.Open(kept.Sealed, siteKeyContext(instanceID, c.ID))
	if err != nil {
		return nil, false
	}
	key, err := openvpn.ParseTLSCryptClientKey(text)
	if err != nil {
		return nil, false
	}
	_, _, err = wrapping.Unwrap(key.Wrapped)
	return text, err == nil
}
