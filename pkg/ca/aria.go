package ca

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
)

// aria is the block cipher of RFC 5794. It only opens keys that were encrypted elsewhere: its table
// look-ups depend on the key, so it does not run in constant time.
type aria struct {
	encrypt, decrypt []ariaBlock // the keys of the rounds, and the one after the last
}

type ariaBlock [aes.BlockSize]byte

// ariaBoxes are S1, S2 and their inverses (RFC 5794, section 2.4.2).
var ariaBoxes = makeARIABoxes()

// makeARIABoxes computes S1, which is that of AES, and S2: both invert in the field of AES, then
// map the bits linearly, here by the images of each, and add a constant.
func makeARIABoxes() (boxes [4][256]byte) {
	images := [2][8]byte{
		{0x1f, 0x3e, 0x7c, 0xf8, 0xf1, 0xe3, 0xc7, 0x8f}, {0xac, 0xfd, 0xc6, 0x83, 0x26, 0xa7, 0xfb, 0x5f},
	}
	for box, constant := range [2]byte{0x63, 0xe2} {
		for x, inverse := range inverses() {
			s := constant
			for bit, image := range images[box] {
				s ^= image * (inverse >> bit & 1)
			}
			boxes[box][x] = s
			boxes[box+2][s] = byte(x)
		}
	}
	return boxes
}

// inverses are those of GF(2^8) modulo x^8+x^4+x^3+x+1; that of 0 is 0. The powers of 3 are all
// numbers but 0.
func inverses() (all [256]byte) {
	var powers [255]byte
	for i, x := 0, byte(1); i < len(powers); i++ {
		powers[i] = x
		x ^= x<<1 ^ 0x1b*(x>>7)
	}
	for i, x := range powers {
		all[x] = powers[(255-i)%255]
	}
	return all
}

// ariaSums are the rows of the diffusion layer (RFC 5794, section 2.4.3): the bytes that each byte
// is the sum of. It is its own inverse.
var ariaSums = [aes.BlockSize][7]byte{
	{3, 4, 6, 8, 9, 13, 14}, {2, 5, 7, 8, 9, 12, 15}, {1, 4, 6, 10, 11, 12, 15}, {0, 5, 7, 10, 11, 13, 14},
	{0, 2, 5, 8, 11, 14, 15}, {1, 3, 4, 9, 10, 14, 15}, {0, 2, 7, 9, 10, 12, 13}, {1, 3, 6, 8, 11, 12, 13},
	{0, 1, 4, 7, 10, 13, 15}, {0, 1, 5, 6, 11, 12, 14}, {2, 3, 5, 6, 8, 13, 15}, {2, 3, 4, 7, 9, 12, 14},
	{1, 2, 6, 7, 9, 11, 12}, {0, 3, 6, 7, 8, 10, 13}, {0, 3, 4, 5, 9, 11, 14}, {1, 2, 4, 5, 8, 10, 15},
}

func (b ariaBlock) diffused() (sum ariaBlock) {
	for i, row := range ariaSums {
		for _, j := range row {
			sum[i] ^= b[j]
		}
	}
	return sum
}

// substituted applies the boxes in turn; even rounds begin with the third.
func (b ariaBlock) substituted(even bool) ariaBlock {
	first := 0
	if even {
		first = 2
	}
	for i := range b {
		b[i] = ariaBoxes[(first+i)%4][b[i]]
	}
	return b
}

func (b ariaBlock) plus(other ariaBlock) ariaBlock {
	for i := range b {
		b[i] ^= other[i]
	}
	return b
}

func (b ariaBlock) rotated(n int) (turned ariaBlock) {
	p := pair{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}.rotated(n)
	binary.BigEndian.PutUint64(turned[:8], p[0])
	binary.BigEndian.PutUint64(turned[8:], p[1])
	return turned
}

// ariaConstants are the fractional part of the inverse of pi (RFC 5794, section 2.2).
var ariaConstants = [3]ariaBlock{
	ariaBlock([]byte("\x51\x7c\xc1\xb7\x27\x22\x0a\x94\xfe\x13\xab\xe8\xfa\x9a\x6e\xe0")),
	ariaBlock([]byte("\x6d\xb1\x4a\xcc\x9e\x21\xc8\x20\xff\x28\xb1\xd5\xef\x5d\xe2\xb0")),
	ariaBlock([]byte("\xdb\x92\x37\x1d\x21\x26\xe9\x70\x03\x24\x97\x75\x04\xe8\xc9\x0e")),
}

// newARIA takes a key of 16, 24 or 32 bytes and derives the keys of its 12, 14 or 16 rounds (RFC
// 5794, section 2.2).
func newARIA(key []byte) (cipher.Block, error) {
	size := len(key)
	if size != 16 && size != 24 && size != 32 {
		return nil, aes.KeySizeError(size)
	}
	var left, right ariaBlock
	copy(left[:], key)
	copy(right[:], key[16:])
	constant := func(i int) ariaBlock { return ariaConstants[((size-16)/8+i)%3] }
	w := [4]ariaBlock{left}
	w[1] = w[0].plus(constant(0)).substituted(false).diffused().plus(right)
	w[2] = w[1].plus(constant(1)).substituted(true).diffused().plus(w[0])
	w[3] = w[2].plus(constant(2)).substituted(false).diffused().plus(w[1])
	rounds := 12 + (size-16)/4
	c := &aria{encrypt: make([]ariaBlock, rounds+1), decrypt: make([]ariaBlock, rounds+1)}
	turns := [5]int{128 - 19, 128 - 31, 61, 31, 19}
	for i := range c.encrypt {
		c.encrypt[i] = w[i%4].plus(w[(i+1)%4].rotated(turns[i/4]))
	}
	for i, k := range c.encrypt {
		if i > 0 && i < rounds {
			k = k.diffused()
		}
		c.decrypt[rounds-i] = k
	}
	return c, nil
}

// BlockSize implements cipher.Block.
func (c *aria) BlockSize() int { return aes.BlockSize }

// Encrypt implements cipher.Block.
func (c *aria) Encrypt(dst, src []byte) { ariaCrypt(c.encrypt, dst, src) }

// Decrypt implements cipher.Block.
func (c *aria) Decrypt(dst, src []byte) { ariaCrypt(c.decrypt, dst, src) }

func ariaCrypt(keys []ariaBlock, dst, src []byte) {
	b, last := ariaBlock(src[:aes.BlockSize]), len(keys)-1
	for i, k := range keys[:last] {
		b = b.plus(k).substituted(i%2 == 1)
		if i < last-1 {
			b = b.diffused()
		}
	}
	b = b.plus(keys[last])
	copy(dst, b[:])
}
