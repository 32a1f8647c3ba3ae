package ca

import (
	"encoding/hex"
	"testing"
)

// TestRC2 has the vectors of RFC 2268, section 5, whose effective bits are those of their keys.
func TestRC2(t *testing.T) {
	t.Parallel()
	for _, test := range [][3]string{
		{"ffffffffffffffff", "ffffffffffffffff", "278b27e42e2f0d49"},
		{"3000000000000000", "1000000000000001", "30649edf9be7d2c2"},
		{"88bca90e90875a7f0f79c384627bafb2", "0000000000000000", "2269552ab0f85ca6"},
	} {
		key, _ := hex.DecodeString(test[0])
		plain, _ := hex.DecodeString(test[1])
		block, err := newRC2(key)
		if err != nil {
			t.Fatal(err)
		}
		out, back := make([]byte, 8), make([]byte, 8)
		block.Encrypt(out, plain)
		block.Decrypt(back, out)
		if hex.EncodeToString(out) != test[2] || hex.EncodeToString(back) != test[1] {
			t.Errorf("%s: %x, back to %x", test[0], out, back)
		}
	}
}
