package api_test

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// TestCostlyKeys: a key that is too costly to open is refused at once, with the limit and the value
// that was found, in both languages.
func TestCostlyKeys(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	for name, test := range map[string]struct {
		key        string
		portuguese string
		english    string
	}{
		"PBKDF2": {
			encryptedKey(t, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}, struct {
				Salt       []byte
				Iterations int
				PRF        pkix.AlgorithmIdentifier
			}{
				[]byte("salt"), 1 << 40, pkix.AlgorithmIdentifier{
					Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9},
				},
			}),
			"1099511627776 iterações para ser aberta; o máximo é 5000000",
			"1099511627776 iterations to open; the maximum is 5000000",
		},
		"scrypt": {
			encryptedKey(t, asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}, struct {
				Salt    []byte
				N, R, P int
			}{[]byte("salt"), 1 << 14, 8, 1 << 20}),
			"scrypt com N·r·p = 137438953472; o máximo é 1048576",
			"scrypt with N·r·p = 137438953472 to open; the maximum is 1048576",
		},
	} {
		for path, more := range map[string]string{
			clientsPath + "/import": `"ca_id": 1, "email": "a@example.com", `, casPath + "/import": "",
		} {
			for language, want := range map[string]string{"pt-BR": test.portuguese, "en": test.english} {
				body, err := json.Marshal(map[string]string{"cert": "x", "key": test.key, "password": "segredo"})
				if err != nil {
					t.Fatal(err)
				}
				begin := time.Now()
				got := send(t, s, "POST", path, "{"+more+string(body[1:]), "Accept-Language", language)
				var faults gen.Errors
				if err := json.Unmarshal(got.body, &faults); err != nil || got.status != 409 {
					t.Fatalf("%s: %d %s", path, got.status, got.body)
				}
				last := faults.Errors[len(faults.Errors)-1]
				if last.Field != "key" || !strings.Contains(last.Msg, want) {
					t.Errorf("%s of %s: %+v, want %q", name, path, last, want)
				}
				if took := time.Since(begin); took > 5*time.Second {
					t.Errorf("%s: it took %s", path, took)
				}
			}
		}
	}
}

// encryptedKey returns a key whose encryption names a derivation; it can't be opened.
func encryptedKey(t *testing.T, derivation asn1.ObjectIdentifier, params any) string {
	t.Helper()
	marshal := func(value any) []byte {
		der, err := asn1.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	algorithm := func(oid asn1.ObjectIdentifier, params any) pkix.AlgorithmIdentifier {
		return pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.RawValue{FullBytes: marshal(params)}}
	}
	scheme := struct{ KDF, Cipher pkix.AlgorithmIdentifier }{
		algorithm(derivation, params),
		algorithm(asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}, make([]byte, 16)),
	}
	der := marshal(struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}{algorithm(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}, scheme), make([]byte, 160)})
	return string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der}))
}
