package api_test

import (
	"encoding/pem"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// TestOdd_Causes: the text of a refusal says what is wrong with the file.
func TestOdd_Causes(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	own := ecSigner(t)
	cert := rootCert(t, commonName("causes"), own)
	whole := pemOf("CERTIFICATE", cert.sign(t, own))
	long := cert
	long.serial = strings.Repeat("\x01", 65)
	block, _ := pem.Decode([]byte(whole))
	for name, test := range map[string]struct{ cert, want string }{
		"no PEM":                {"certificate", "there is no whole block"},
		"a block without end":   {whole[:len(whole)/2], "there is no whole block"},
		"another block":         {keyPEM(t, own.key), "A PEM of another kind"},
		"a cut content":         {pemOf("CERTIFICATE", block.Bytes[:len(block.Bytes)-9]), "its content is not what its label says"},
		"much text before":      {strings.Repeat("text\n", 20_000) + whole, "Maximum length: 65536"},
		"a serial of 65 octets": {pemOf("CERTIFICATE", long.sign(t, own)), "more than 64 octets"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := object(t, "name", "causes", "cert", test.cert, "key", keyPEM(t, own.key))
			got := send(t, s, "POST", casPath+"/import", body, "Accept-Language", "en")
			got.want(t, 409, "cert", "invalid")
			if text := string(got.body); !strings.Contains(text, test.want) {
				t.Errorf("want %q: %s", test.want, text)
			}
		})
	}
}
