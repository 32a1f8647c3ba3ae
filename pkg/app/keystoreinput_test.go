package app_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// TestKeyStore_BadInput: what is wrong with the fields of a key is said of the field, and no CA and
// no key is made.
func TestKeyStore_BadInput(t *testing.T) {
	t.Parallel()
	for name, engine := range map[string]func(*testing.T) apptest.Options{"sqlite": onSQLite, "postgres": onPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, stub := onTransit(t, engine(t))
			stub.Ask(t, http.MethodPost, "transit/keys/master", object{"type": "aes256-gcm96"})
			stub.Ask(t, http.MethodPost, "transit/keys/there", object{"type": "ecdsa-p256"})
			c := login(t, apptest.Start(t, o))
			const there = "transit:mount=transit;name=there"
			for _, one := range []struct {
				field string
				in    object
			}{
				{"key_store", object{"key_store": "nope"}},
				{"key_store", object{"key_store": "BAO"}},
				{"key_store", object{"key_store": strings.Repeat("x", 5000)}},
				{"key_store", object{"key_store": 7}},
				{"key_store", object{"key_store": "bao", "key_uri": there}},
				{"key_algorithm", object{"key_store": "bao", "key_algorithm": "dsa"}},
				{"key_algorithm", object{"key_uri": there, "key_algorithm": "rsa-2048"}},
				{"key_uri", object{"key_uri": "there"}},
				{"key_uri", object{"key_uri": "/etc/ca.key"}},
				{"key_uri", object{"key_uri": "transit:"}},
				{"key_uri", object{"key_uri": "transit:mount=transit"}},
				{"key_uri", object{"key_uri": "transit:mount=transit;name=nobody"}},
				{"key_uri", object{"key_uri": "transit:mount=transit;name=..%2fsys"}},
				{"key_uri", object{"key_uri": "transit:mount=transit;name=there;version=0"}},
				{"key_uri", object{"key_uri": "transit:mount=transit;name=there;version=2"}},
				{"key_uri", object{"key_uri": "transit:mount=transit;name=there;strange=1"}},
				{"key_uri", object{"key_uri": "transit:mount=transit;name=master"}},
				{"key_uri", object{"key_uri": "transit:mount=other;name=there"}},
				{"key_uri", object{"key_uri": "pkcs11:token=t;object=there"}},
				{"key_uri", object{"key_uri": there + "?address=https://attacker.example"}},
				{"key_uri", object{"key_uri": there + "\n"}},
				{"key_uri", object{"key_uri": "transit:mount=transit;name=" + strings.Repeat("x", 5000)}},
				{"key_uri", object{"key_uri": []string{there}}},
			} {
				one.in["name"], one.in["email"] = "refused", "ca@example.com"
				wantRefusedField(t, c, one.in, one.field)
			}
			if list := string(get(t, c, cas)); strings.Contains(list, "refused") {
				t.Error(list)
			}
			if keys := stub.Keys(); len(keys) != 2 {
				t.Errorf("keys were left: %q", keys)
			}
			createStored(t, c, cas, object{"name": "taken", "email": "ca@example.com", "key_uri": there})
			wantRefusedField(t, c, object{"name": "again", "email": "ca@example.com", "key_uri": there}, "key_uri")
		})
	}
}

func wantRefusedField(t *testing.T, c *apptest.Client, in object, field string) {
	t.Helper()
	err := c.Do(t.Context(), http.MethodPost, cas, in, nil)
	refused, ok := errors.AsType[*apptest.StatusError](err)
	if !ok || refused.Status != http.StatusConflict && refused.Status != http.StatusBadRequest ||
		!strings.Contains(refused.Body, `"field":"`+field+`"`) {
		t.Errorf("%.200v: %.500v", in, err)
	}
}
