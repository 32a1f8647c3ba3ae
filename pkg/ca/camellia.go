package ca

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"math/bits"
)

// camellia is the block cipher of RFC 3713. It only opens keys that were encrypted elsewhere: its
// table look-ups depend on the key, so it does not run in constant time.
type camellia struct {
	whiten [4]uint64
	rounds []uint64
	layers []uint64 // two after every six rounds
}

var camelliaSigma = [6]uint64{
	0xA09E667F3BCC908B, 0xB67AE8584CAA73B2, 0xC6EF372FE94F82BE, 0x54FF53A5F1D36F1C, 0x10E527FADE682D1D,
	0xB05688C2B3E6C1FD,
}

// pair is a number of 128 bits, the high half first.
type pair [2]uint64

func (p pair) rotated(n int) pair {
	if n >= 64 {
		p, n = pair{p[1], p[0]}, n-64
	}
	return pair{p[0]<<n | p[1]>>(64-n), p[1]<<n | p[0]>>(64-n)}
}

// newCamellia takes a key of 16, 24 or 32 bytes.
func newCamellia(key []byte) (cipher.Block, error) {
	var left, right pair
	switch len(key) {
	case 16:
	case 24:
		right[0] = binary.BigEndian.Uint64(key[16:])
		right[1] = ^right[0]
	case 32:
		right = pair{binary.BigEndian.Uint64(key[16:]), binary.BigEndian.Uint64(key[24:])}
	default:
		return nil, aes.KeySizeError(len(key))
	}
	left = pair{binary.BigEndian.Uint64(key), binary.BigEndian.Uint64(key[8:])}
	a := camelliaMix(pair{left[0] ^ right[0], left[1] ^ right[1]}, 0)
	a = camelliaMix(pair{a[0] ^ left[0], a[1] ^ left[1]}, 2)
	if len(key) == 16 {
		return camelliaShort(left, a), nil
	}
	return camelliaLong(left, right, a, camelliaMix(pair{a[0] ^ right[0], a[1] ^ right[1]}, 4)), nil
}

func camelliaMix(d pair, sigma int) pair {
	d[1] ^= camelliaF(d[0], camelliaSigma[sigma])
	d[0] ^= camelliaF(d[1], camelliaSigma[sigma+1])
	return d
}

// camelliaShort makes the subkeys of a key of 128 bits (RFC 3713, section 2.2).
func camelliaShort(l, a pair) *camellia {
	end := a.rotated(111)
	c := &camellia{whiten: [4]uint64{l[0], l[1], end[0], end[1]}}
	for _, p := range []pair{
		a, l.rotated(15), a.rotated(15), l.rotated(45), {a.rotated(45)[0], l.rotated(60)[1]}, a.rotated(60),
		l.rotated(94), a.rotated(94), l.rotated(111),
	} {
		c.rounds = append(c.rounds, p[:]...)
	}
	for _, p := range []pair{a.rotated(30), l.rotated(77)} {
		c.layers = append(c.layers, p[:]...)
	}
	return c
}

// camelliaLong makes the subkeys of a key of 192 or 256 bits (RFC 3713, section 2.2).
func camelliaLong(l, r, a, b pair) *camellia {
	end := b.rotated(111)
	c := &camellia{whiten: [4]uint64{l[0], l[1], end[0], end[1]}}
	for _, p := range []pair{
		b, r.rotated(15), a.rotated(15), b.rotated(30), l.rotated(45), a.rotated(45), r.rotated(60), b.rotated(60),
		l.rotated(77), r.rotated(94),
		a.rotated(94), l.rotated(111),
	} {
		c.rounds = append(c.rounds, p[:]...)
	}
	for _, p := range []pair{r.rotated(30), l.rotated(60), a.rotated(77)} {
		c.layers = append(c.layers, p[:]...)
	}
	return c
}

// BlockSize implements cipher.Block.
func (c *camellia) BlockSize() int { return 16 }

// Encrypt implements cipher.Block.
func (c *camellia) Encrypt(dst, src []byte) {
	c.crypt(dst, src, c.whiten, func(keys []uint64, i int) uint64 { return keys[i] })
}

// Decrypt implements cipher.Block: it is the encryption with the subkeys in the other order.
func (c *camellia) Decrypt(dst, src []byte) {
	w := c.whiten
	c.crypt(
		dst, src, [4]uint64{w[2], w[3], w[0], w[1]}, func(keys []uint64, i int) uint64 { return keys[len(keys)-1-i] },
	)
}

func (c *camellia) crypt(dst, src []byte, w [4]uint64, at func([]uint64, int) uint64) {
	d := pair{binary.BigEndian.Uint64(src) ^ w[0], binary.BigEndian.Uint64(src[8:]) ^ w[1]}
	for i := 0; i < len(c.rounds); i += 2 {
		if i > 0 && i%6 == 0 {
			d[0] = camelliaFL(d[0], at(c.layers, i/3-2))
			d[1] = camelliaFLInverse(d[1], at(c.layers, i/3-1))
		}
		d[1] ^= camelliaF(d[0], at(c.rounds, i))
		d[0] ^= camelliaF(d[1], at(c.rounds, i+1))
	}
	binary.BigEndian.PutUint64(dst, d[1]^w[2])
	binary.BigEndian.PutUint64(dst[8:], d[0]^w[3])
}

func camelliaFL(in, key uint64) uint64 {
	x, y := uint32(in>>32), uint32(in)
	y ^= bits.RotateLeft32(x&uint32(key>>32), 1)
	x ^= y | uint32(key)
	return uint64(x)<<32 | uint64(y)
}

func camelliaFLInverse(in, key uint64) uint64 {
	x, y := uint32(in>>32), uint32(in)
	x ^= y | uint32(key)
	y ^= bits.RotateLeft32(x&uint32(key>>32), 1)
	return uint64(x)<<32 | uint64(y)
}

// camelliaF is the function F of RFC 3713, section 2.4.1.
func camelliaF(in, key uint64) uint64 {
	var t, y [8]byte
	binary.BigEndian.PutUint64(t[:], in^key)
	s1 := func(b byte) byte { return camelliaBox[b] }
	s2 := func(b byte) byte { return bits.RotateLeft8(camelliaBox[b], 1) }
	s3 := func(b byte) byte { return bits.RotateLeft8(camelliaBox[b], 7) }
	s4 := func(b byte) byte { return camelliaBox[bits.RotateLeft8(b, 1)] }
	for i, box := range [8]func(byte) byte{s1, s2, s3, s4, s2, s3, s4, s1} {
		t[i] = box(t[i])
	}
	y[0] = t[0] ^ t[2] ^ t[3] ^ t[5] ^ t[6] ^ t[7]
	y[1] = t[0] ^ t[1] ^ t[3] ^ t[4] ^ t[6] ^ t[7]
	y[2] = t[0] ^ t[1] ^ t[2] ^ t[4] ^ t[5] ^ t[7]
	y[3] = t[1] ^ t[2] ^ t[3] ^ t[4] ^ t[5] ^ t[6]
	y[4] = t[0] ^ t[1] ^ t[5] ^ t[6] ^ t[7]
	y[5] = t[1] ^ t[2] ^ t[4] ^ t[6] ^ t[7]
	y[6] = t[2] ^ t[3] ^ t[4] ^ t[5] ^ t[7]
	y[7] = t[0] ^ t[3] ^ t[4] ^ t[5] ^ t[6]
	return binary.BigEndian.Uint64(y[:])
}

// camelliaBox is SBOX1 of RFC 3713, section 2.4.1.
var camelliaBox = [256]byte{
	112, 130, 44, 236, 179, 39, 192, 229, 228, 133, 87, 53, 234, 12, 174, 65,
	35, 239, 107, 147, 69, 25, 165, 33, 237, 14, 79, 78, 29, 101, 146, 189,
	134, 184, 175, 143, 124, 235, 31, 206, 62, 48, 220, 95, 94, 197, 11, 26,
	166, 225, 57, 202, 213, 71, 93, 61, 217, 1, 90, 214, 81, 86, 108, 77,
	139, 13, 154, 102, 251, 204, 176, 45, 116, 18, 43, 32, 240, 177, 132, 153,
	223, 76, 203, 194, 52, 126, 118, 5, 109, 183, 169, 49, 209, 23, 4, 215,
	20, 88, 58, 97, 222, 27, 17, 28, 50, 15, 156, 22, 83, 24, 242, 34,
	254, 68, 207, 178, 195, 181, 122, 145, 36, 8, 232, 168, 96, 252, 105, 80,
	170, 208, 160, 125, 161, 137, 98, 151, 84, 91, 30, 149, 224, 255, 100, 210,
	16, 196, 0, 72, 163, 247, 117, 219, 138, 3, 230, 218, 9, 63, 221, 148,
	135, 92, 131, 2, 205, 74, 144, 51, 115, 103, 246, 243, 157, 127, 191, 226,
	82, 155, 216, 38, 200, 55, 198, 59, 129, 150, 111, 75, 19, 190, 99, 46,
	233, 121, 167, 140, 159, 110, 188, 142, 41, 245, 249, 182, 47, 253, 180, 89,
	120, 152, 6, 106, 231, 70, 113, 186, 212, 37, 171, 66, 136, 162, 141, 250,
	114, 7, 185, 85, 248, 238, 172, 10, 54, 73, 42, 104, 60, 56, 241, 164,
	64, 40, 211, 123, 187, 201, 67, 193, 21, 227, 173, 244, 119, 199, 128, 158,
}
