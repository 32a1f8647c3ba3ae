package transit

import (
	"context"
	"crypto"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/kms"
)

// Transit is a secrets engine.
type Transit struct {
	address address
	client  *client
}

// Open opens a secrets engine. It does not reach for the server.
func Open(store kms.URI) (kms.Provider, error) {
	address, err := readAddress(store)
	if err != nil {
		return nil, err
	}
	client, err := newClient(address)
	if err != nil {
		return nil, err
	}
	return &Transit{address, client}, nil
}

// path is that of an operation on a key.
func (t *Transit) path(operation, name string) string {
	return t.address.mount + "/" + operation + "/" + name
}

// kinds are the algorithms by their names in Transit, which are the same here.
var kinds = map[string]bool{
	"ecdsa-p256": true, "ecdsa-p384": true, "ecdsa-p521": true, "ed25519": true, "rsa-2048": true, "rsa-3072": true,
	"rsa-4096": true,
}

// Find implements kms.Provider. Without a version it is the newest one.
func (t *Transit) Find(ctx context.Context, uri kms.URI) (kms.Key, error) {
	name, version, err := t.address.readKey(uri)
	if err != nil {
		return nil, err
	}
	found, err := t.client.ask(ctx, http.MethodGet, t.path("keys", name), nil)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, fmt.Errorf("%w: %s", kms.ErrNoKey, uri)
	}
	if kind, _ := found["type"].(string); !kinds[kind] {
		return nil, fmt.Errorf("%w: a key of the type %s does not sign certificates", kms.ErrUnsupported, kind)
	}
	if version == 0 {
		version = int(number(found["latest_version"]))
	}
	public, err := publicOf(found, version)
	if err != nil {
		return nil, err
	}
	full := t.address.uri.Key("name", name, "version", strconv.Itoa(version))
	return &key{uri: full, name: name, version: version, public: public, transit: t}, nil
}

// Create implements kms.Provider. The name is the label, as far as it can be, and a random number.
func (t *Transit) Create(ctx context.Context, algorithm, label string) (kms.Key, error) {
	if !kinds[algorithm] {
		return nil, fmt.Errorf("%w: %s in Transit", kms.ErrUnsupported, algorithm)
	}
	random := make([]byte, 8)
	rand.Read(random)
	name := slug(label) + hex.EncodeToString(random)
	_, err := t.client.ask(ctx, http.MethodPut, t.path("keys", name), map[string]any{
		"type": algorithm, "exportable": false, "allow_plaintext_backup": false,
	})
	if err != nil {
		return nil, err
	}
	return t.Find(ctx, t.address.uri.Key("name", name))
}

// maxSlug bounds the part of a name that is for people.
const maxSlug = 40

// slug makes a text the beginning of a name of a key.
func slug(text string) string {
	safe := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '-'
	}, text)
	safe = strings.Trim(safe[:min(len(safe), maxSlug)], "-")
	if safe == "" {
		return "ca-"
	}
	return safe + "-"
}

// Discard implements kms.Provider.
func (t *Transit) Discard(ctx context.Context, uri kms.URI) error {
	name, _, err := t.address.readKey(uri)
	if err != nil {
		return err
	}
	_, err = t.client.ask(ctx, http.MethodPut, t.path("keys", name)+"/config", map[string]any{"deletion_allowed": true})
	if err == nil {
		_, err = t.client.ask(ctx, http.MethodDelete, t.path("keys", name), nil)
	}
	return err
}

// Check implements kms.Provider: the server has to know the token.
func (t *Transit) Check(ctx context.Context) error {
	_, _, err := t.client.look(ctx)
	return err
}

// SecretFiles returns the path of the file of the token.
func (t *Transit) SecretFiles() []string { return []string{t.address.token} }

// Close implements kms.Provider.
func (*Transit) Close() error { return nil }

// key is a version of a key of Transit.
type key struct {
	uri     kms.URI
	name    string
	version int
	public  crypto.PublicKey
	transit *Transit
}

func (k *key) URI() kms.URI             { return k.uri }
func (k *key) Public() crypto.PublicKey { return k.public }
