package pki_test

import (
	"encoding/pem"
	"errors"
	"slices"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestImport_KeyEncryption: an unsupported encryption is named in the fault of the field key, with
// or without a password.
func TestImport_KeyEncryption(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	old := NewForeignCA(t)
	authority := old.ImportInto(t, w, nil)
	key := NewKey(t)
	cert := old.Issue(t, key.Public())
	pbe := []byte{
		0x30, 0x1a, 0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 3, 5, 0, 4, 9, 1, 2, 3, 4, 5, 6, 7, 8,
		9,
	}
	for want, text := range map[string]string{
		"SEED-CBC":             "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: SEED-CBC,0011223344556677\n\nAAAA\n-----END EC PRIVATE KEY-----\n",
		"pbeWithMD5AndDES-CBC": string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: pbe})),
	} {
		for _, password := range []domain.Secret{"", "secret"} {
			request := NewForeignCA(t).Request(t, nil)
			request.Key, request.Password = domain.Secret(text), password
			_, err := w.CAs.Import(t.Context(), request)
			wantEncryption(t, err, want)
			_, err = w.Clients.Import(t.Context(), domain.ClientImport{
				CAID: authority.ID, Email: "a@example.com", Certificate: cert, Key: domain.Secret(text),
				Password: password,
			})
			wantEncryption(t, err, want)
		}
	}
}

func wantEncryption(t *testing.T, err error, want string) {
	t.Helper()
	WantFaults(t, err, NewFault(domain.Invalid, "key", domain.ReasonKeyEncryption))
	if found, ok := errors.AsType[*domain.Error](err); !ok || !slices.Equal(found.Args, []any{any(want)}) {
		t.Errorf("%v: want it to name %s", err, want)
	}
}
