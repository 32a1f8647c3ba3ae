package ca

import (
	"crypto/cipher"
	"encoding/binary"
	"encoding/hex"
	"math/bits"
)

// rc2 is the block cipher of RFC 2268, with as many effective bits as its key has. It only opens
// PKCS #12 files that were written elsewhere: OpenSSL before version 3 and Windows before 10
// encrypt the certificates of these by it, with 40 bits.
type rc2 [64]uint16

// rc2Pi is PITABLE of RFC 2268, section 2, in hex.
const rc2Pi = "d978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2" +
	"179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82" +
	"54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626" +
	"6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7" +
	"08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec" +
	"c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731" +
	"2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9" +
	"0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad"

var rc2Rotations = [4]int{1, 2, 3, 5}

const rc2Block = 8

func newRC2(key []byte) (cipher.Block, error) {
	pi, err := hex.DecodeString(rc2Pi)
	if err != nil {
		return nil, err
	}
	var l [128]byte
	size := copy(l[:], key)
	for i := size; i < len(l); i++ {
		l[i] = pi[l[i-1]+l[i-size]]
	}
	l[len(l)-size] = pi[l[len(l)-size]]
	for i := len(l) - size - 1; i >= 0; i-- {
		l[i] = pi[l[i+1]^l[i+size]]
	}
	c := new(rc2)
	for i := range c {
		c[i] = binary.LittleEndian.Uint16(l[2*i:])
	}
	return c, nil
}

// BlockSize implements cipher.Block.
func (*rc2) BlockSize() int { return rc2Block }

// Encrypt implements cipher.Block.
func (c *rc2) Encrypt(dst, src []byte) {
	r := rc2Words(src)
	for j := range c {
		i := j & 3
		r[i] += c[j] + r[(i+3)&3]&r[(i+2)&3] + ^r[(i+3)&3]&r[(i+1)&3]
		r[i] = bits.RotateLeft16(r[i], rc2Rotations[i])
		if j == 19 || j == 43 { // after the fifth and the eleventh round
			for i := range r {
				r[i] += c[r[(i+3)&3]&63]
			}
		}
	}
	r.write(dst)
}

// Decrypt implements cipher.Block.
func (c *rc2) Decrypt(dst, src []byte) {
	r := rc2Words(src)
	for j := len(c) - 1; j >= 0; j-- {
		if j == 19 || j == 43 {
			for i := 3; i >= 0; i-- {
				r[i] -= c[r[(i+3)&3]&63]
			}
		}
		i := j & 3
		r[i] = bits.RotateLeft16(r[i], -rc2Rotations[i])
		r[i] -= c[j] + r[(i+3)&3]&r[(i+2)&3] + ^r[(i+3)&3]&r[(i+1)&3]
	}
	r.write(dst)
}

// rc2State are the four words of a block.
type rc2State [4]uint16

func rc2Words(src []byte) (r rc2State) {
	for i := range r {
		r[i] = binary.LittleEndian.Uint16(src[2*i:])
	}
	return r
}

func (r rc2State) write(dst []byte) {
	for i, word := range r {
		binary.LittleEndian.PutUint16(dst[2*i:], word)
	}
}
