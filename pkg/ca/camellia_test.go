package ca

import (
	"encoding/hex"
	"testing"
)

// TestCamellia has the vectors of RFC 3713, appendix A.
func TestCamellia(t *testing.T) {
	const text = "0123456789abcdeffedcba9876543210"
	for more, want := range map[string]string{
		"":                                 "67673138549669730857065648eabe43",
		"0011223344556677":                 "b4993401b3e996f84ee5cee7d79b09b9",
		"00112233445566778899aabbccddeeff": "9acc237dff16d76c20ef7c919e3a7509",
	} {
		key, _ := hex.DecodeString(text + more)
		block, err := newCamellia(key)
		if err != nil {
			t.Fatal(err)
		}
		data, _ := hex.DecodeString(text)
		block.Encrypt(data, data)
		if got := hex.EncodeToString(data); got != want {
			t.Errorf("%d bits: %s, want %s", 8*len(key), got, want)
		}
		if block.Decrypt(data, data); hex.EncodeToString(data) != text {
			t.Errorf("%d bits: decrypted %x", 8*len(key), data)
		}
	}
}
