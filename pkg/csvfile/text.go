package csvfile

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// The byte order marks that tell the encoding of a file.
const (
	markUTF8    = "\xef\xbb\xbf"
	markUTF16LE = "\xff\xfe"
	markUTF16BE = "\xfe\xff"
)

// decodeText converts a file to UTF-8 without a byte order mark. It reads UTF-8, UTF-16 with a byte
// order mark, and Windows-1252, which spreadsheets write for the languages of Western Europe.
// Errors: Malformed with ReasonEncoding.
func decodeText(raw []byte) (string, error) {
	text := string(raw)
	switch {
	case strings.HasPrefix(text, markUTF8):
		return checkedUTF8(text[len(markUTF8):])
	case strings.HasPrefix(text, markUTF16LE):
		return decodeUTF16(text[2:], binary.LittleEndian)
	case strings.HasPrefix(text, markUTF16BE):
		return decodeUTF16(text[2:], binary.BigEndian)
	case utf8.ValidString(text):
		return text, nil
	}
	return decodeWindows(text)
}

func errEncoding() error { return domain.Fault(domain.Malformed, "", domain.ReasonEncoding) }

func checkedUTF8(text string) (string, error) {
	if !utf8.ValidString(text) {
		return "", errEncoding()
	}
	return text, nil
}

func decodeUTF16(text string, order binary.ByteOrder) (string, error) {
	if len(text)%2 != 0 {
		return "", errEncoding()
	}
	var out strings.Builder
	out.Grow(len(text) / 2)
	unit := func(i int) rune { return rune(order.Uint16([]byte(text[i : i+2]))) }
	for i := 0; i < len(text); i += 2 {
		r := unit(i)
		if utf16.IsSurrogate(r) {
			if i += 2; i >= len(text) {
				return "", errEncoding()
			}
			if r = utf16.DecodeRune(r, unit(i)); r == utf8.RuneError {
				return "", errEncoding()
			}
		}
		out.WriteRune(r)
	}
	return out.String(), nil
}

// windows1252 are the characters of the bytes 0x80 to 0x9f in Windows-1252; 0 stands for none. All
// other bytes are as in Latin-1.
var windows1252 = [32]rune{
	'€', 0, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0, 'Ž', 0,
	0, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0, 'ž', 'Ÿ',
}

// decodeWindows refuses a text with NUL or with bytes that Windows-1252 does not define. It also
// refuses a text with any multi-byte UTF-8 character: that is a damaged UTF-8 file.
func decodeWindows(text string) (string, error) {
	var out strings.Builder
	out.Grow(len(text) + len(text)/8)
	for i := 0; i < len(text); i++ {
		r := rune(text[i])
		if r < utf8.RuneSelf {
			if r == 0 {
				return "", errEncoding()
			}
			out.WriteByte(text[i])
			continue
		}
		if _, size := utf8.DecodeRuneInString(text[i:]); size > 1 {
			return "", errEncoding()
		}
		if r < 0xa0 {
			r = windows1252[r-0x80]
		}
		if r == 0 {
			return "", errEncoding()
		}
		out.WriteRune(r)
	}
	return out.String(), nil
}
