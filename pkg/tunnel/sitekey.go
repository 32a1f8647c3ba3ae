package tunnel

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/openvpn"
	"github.com/chaveiro/chaveiro/pkg/openvpn/kits"
)

// siteKeyContext binds a sealed client key to its site.
func siteKeyContext(instanceID, clientID int64) string {
	return fmt.Sprintf("tls-crypt-v2-client/%d/%d", instanceID, clientID)
}

// controls are what protects the control channel of a site and, while a campaign changes it, what
// did before; else nil.
func (s *Profiles) controls(
	ctx context.Context, i state, c domain.Client,
) (now kits.Control, earlier *kits.Control, err error) {
	now = kits.Control{Kind: kits.ControlKind(i.Control), Key: i.key}
	channels := []*kits.Control{&now}
	if i.rekeys() {
		earlier = &kits.Control{Kind: kits.ControlKind(i.campaign.Before.Control), Key: i.earlier}
		channels = append(channels, earlier)
	}
	return now, earlier, s.toSite(ctx, i.ID, c, channels)
}

// toSite puts the keys of a site in the place of those of the server, where each site has its own.
func (s *Profiles) toSite(ctx context.Context, instanceID int64, c domain.Client, channels []*kits.Control) error {
	var servers []openvpn.TLSCryptServerKey
	var places []*kits.Control
	for _, channel := range channels {
		if channel.Kind != kits.TLSCryptV2 {
			continue
		}
		server, err := openvpn.ParseTLSCryptServerKey(channel.Key)
		if err != nil {
			return err
		}
		servers, places = append(servers, server), append(places, channel)
	}
	if len(servers) == 0 {
		return nil
	}
	keys, err := s.siteKeys(ctx, instanceID, c, servers)
	for k, key := range keys {
		places[k].Key = key
	}
	return err
}

// siteKeys returns the tls-crypt-v2 client keys of a site (PEM), one for each key of the server.
// Each is made once for the certificate and the key of the server; the serial number is in its
// metadata, so the server can tell whose it is before TLS begins. They are kept together.
func (s *Profiles) siteKeys(
	ctx context.Context, instanceID int64, c domain.Client, servers []openvpn.TLSCryptServerKey,
) ([][]byte, error) {
	kept, err := s.Store.ClientConfigs().Key(ctx, instanceID, c.ID)
	if err != nil {
		return nil, err
	}
	there := s.openSiteKeys(kept, instanceID, c)
	keys, made := make([][]byte, len(servers)), false
	for k, server := range servers {
		if keys[k] = wrappedBy(server, there); keys[k] != nil {
			continue
		}
		key, err := server.NewClientKey(openvpn.Metadata{Type: openvpn.MetadataUser, Data: []byte(c.Serial)})
		if err != nil {
			return nil, err
		}
		keys[k], made = []byte(key.Text()), true
	}
	if !made {
		return keys, nil
	}
	fresh := domain.SiteKey{
		Serial: c.Serial, Sealed: s.Keys.Seal(bytes.Join(keys, nil), siteKeyContext(instanceID, c.ID)),
	}
	// Another request may just have made some. All are good; the next profile has those that are
	// kept.
	_, err = s.Store.ClientConfigs().KeepKey(ctx, instanceID, c.ID, kept, fresh)
	return keys, err
}

// openSiteKeys returns the keys that are kept, if they were made for the present certificate.
func (s *Profiles) openSiteKeys(kept domain.SiteKey, instanceID int64, c domain.Client) []openvpn.TLSCryptClientKey {
	if len(kept.Sealed) == 0 || kept.Serial != c.Serial {
		return nil
	}
	text, err := s.Keys.Open(kept.Sealed, siteKeyContext(instanceID, c.ID))
	if err != nil {
		return nil
	}
	var keys []openvpn.TLSCryptClientKey
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if key, err := openvpn.ParseTLSCryptClientKey(pem.EncodeToMemory(block)); err == nil {
			keys = append(keys, key)
		}
	}
	return keys
}

// wrappedBy returns the key that was made for a key of the server; nil: there is none.
func wrappedBy(server openvpn.TLSCryptServerKey, keys []openvpn.TLSCryptClientKey) []byte {
	for _, key := range keys {
		if _, _, err := server.Unwrap(key.Wrapped); err == nil {
			return []byte(key.Text())
		}
	}
	return nil
}
