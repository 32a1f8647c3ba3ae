package store

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"iter"
	"math/bits"
	"time"
)

// tableDigest is the sum of the SHA-256 hashes of rows, as 256-bit numbers. It does not depend on
// the order of the rows, because the engines do not sort texts alike.
type tableDigest struct {
	rows int64
	sum  [4]uint64
}

func (d *tableDigest) add(row []any) error {
	h := sha256.New()
	for _, value := range row {
		if err := hashValue(h, value); err != nil {
			return err
		}
	}
	sum := h.Sum(nil)
	carry := uint64(0)
	for i := range d.sum {
		d.sum[i], carry = bits.Add64(d.sum[i], binary.BigEndian.Uint64(sum[8*i:]), carry)
	}
	d.rows++
	return nil
}

// hashValue writes a value such that different values, and different sequences of values, are never
// written alike.
func hashValue(h hash.Hash, value any) error {
	number := func(kind byte, n int64) { h.Write(binary.BigEndian.AppendUint64([]byte{kind}, uint64(n))) }
	switch v := value.(type) {
	case nil:
		h.Write([]byte{0})
	case int64:
		number(1, v)
	case bool:
		h.Write([]byte{2, map[bool]byte{true: 1}[v]})
	case string:
		number(3, int64(len(v)))
		h.Write([]byte(v))
	case []byte:
		number(4, int64(len(v)))
		h.Write(v)
	case time.Time:
		number(5, v.Unix())
		number(5, int64(v.Nanosecond()))
	default:
		return fmt.Errorf("a value of the type %T", value)
	}
	return nil
}

func (d *tableDigest) of(t copyTable) CopiedTable {
	var text []byte
	for _, part := range d.sum {
		text = binary.BigEndian.AppendUint64(text, part)
	}
	return CopiedTable{Name: t.name, Rows: d.rows, Digest: hex.EncodeToString(text[:16])}
}

func digestOf(t copyTable, rows iter.Seq2[[]any, error]) (CopiedTable, error) {
	digest := tableDigest{}
	for row, err := range rows {
		if err == nil {
			err = digest.add(row)
		}
		if err != nil {
			return CopiedTable{}, err
		}
	}
	return digest.of(t), nil
}
