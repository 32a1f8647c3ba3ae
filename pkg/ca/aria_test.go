package ca

import (
	"encoding/hex"
	"testing"
)

// TestARIA has the vectors of RFC 5794, appendix A.
func TestARIA(t *testing.T) {
	const text = "00112233445566778899aabbccddeeff"
	for size, want := range map[int]string{
		16: "d718fbd6ab644c739da95f3be6451778",
		24: "26449c1805dbe7aa25a468ce263a9e79",
		32: "f92bd7c79fb72e2f2b8f80c1972d24fc",
	} {
		key, _ := hex.DecodeString("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
		key = key[:size]
		block, err := newARIA(key)
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
