package csvfile

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func utf16Text(text string, order binary.AppendByteOrder) string {
	out := order.AppendUint16(nil, 0xfeff)
	for _, unit := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, unit)
	}
	return string(out)
}

func TestDecodeText(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"": "", "é": "é", "\xef\xbb\xbfé": "é", "\xef\xbb\xbf": "", utf16Text("é\n東😀", binary.LittleEndian): "é\n東😀",
		utf16Text("é\n東😀", binary.BigEndian):   "é\n東😀",
		"S\xe3o Paulo \x80 \x93x\x94 \xa0\xff": "São Paulo € “x” \u00a0ÿ", "A\xc7\xc3O;": "AÇÃO;",
	} {
		if got, err := decodeText([]byte(raw)); got != want || err != nil {
			t.Errorf("%q becomes %q, %v", raw, got, err)
		}
	}
	for _, raw := range []string{
		"\xff\xfex", "\xff\xfe\x00\xd8", "\xff\xfe\x00\xd8x\x00", "\xfe\xff\xdc\x00", "\xef\xbb\xbf\xff", "\x81",
		"a\x8d", "\x8fb", "\x90", "\x9d", "é \xff", "x\x00\xff",
	} {
		fault, ok := errors.AsType[*domain.Error](func() error { _, err := decodeText([]byte(raw)); return err }())
		if !ok || fault.Kind != domain.Malformed || fault.Reason != domain.ReasonEncoding {
			t.Errorf("%q: %v", raw, fault)
		}
	}
}

// TestshieldCell: every value is restored exactly, and no cell begins as a formula does.
func TestShieldCell(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		value := rapid.OneOf(rapid.StringMatching(`'{0,3}[=+@\t\r-]?[a=' ]{0,3}`), rapid.String()).Draw(rt, "value")
		cell := shieldCell(value)
		if bareCell(cell) != value {
			rt.Fatalf("%q becomes %q becomes %q", value, cell, bareCell(cell))
		}
		if cell != "" && strings.IndexByte("=+-@\t\r", cell[0]) >= 0 {
			rt.Fatalf("%q is written %q", value, cell)
		}
	})
}

// TestCSVReader_ReadsWhatIsWritten: quoted values are read back unchanged with every separator and
// line end.
func TestCSVReader_ReadsWhatIsWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		separator := rapid.SampledFrom([]byte(separators)).Draw(rt, "separator")
		cell := rapid.OneOf(rapid.String(), rapid.StringMatching(`[",;\t\r\n' a]{0,6}`))
		records := rapid.SliceOfN(rapid.SliceOfN(cell, 1, 4), 1, 4).Draw(rt, "records")
		var text strings.Builder
		for _, record := range records {
			for i, value := range record {
				if i > 0 {
					text.WriteByte(separator)
				}
				text.WriteString(`"` + strings.ReplaceAll(value, `"`, `""`) + `"`)
			}
			text.WriteString(rapid.SampledFrom([]string{"\n", "\r\n", "\r"}).Draw(rt, "end"))
		}
		reader := csvReader{text: text.String(), separator: separator, line: 1}
		for _, want := range records {
			got, err := reader.next()
			if err != nil || strings.Join(got.cells, "|") != strings.Join(want, "|") {
				rt.Fatalf("%q: %q, %v", text.String(), got.cells, err)
			}
		}
	})
}

func TestCSVReader_Places(t *testing.T) {
	t.Parallel()
	reader := csvReader{text: "a,\"1\r\n2\r3\"\r\nb\r\"c\n\"\nd,\"é\"x", separator: ',', line: 1}
	for _, want := range []int{1, 4, 5} {
		if record, err := reader.next(); err != nil || record.line != want {
			t.Errorf("line %d, %v", record.line, err)
		}
	}
	for text, want := range map[string][2]int{"": {7, 5}, "x,y\n\"a\nb": {2, 1}, "\n\na\"": {3, 2}, "é,é\"": {1, 4}} {
		r := &csvReader{text: text, separator: ',', line: 1}
		if text == "" {
			r = &reader
		}
		_, err := r.next()
		for err == nil {
			_, err = r.next()
		}
		fault, ok := errors.AsType[*domain.Error](err)
		if !ok || fault.Reason != domain.ReasonQuote || fault.Args[0] != want[0] || fault.Args[1] != want[1] {
			t.Errorf("%q: %v %v", text, err, fault)
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{
		"hostname", "ip", "model", "type", "vendor", "site", "device_domain", "device_tags", "connectivities",
		"session_remote_config", "enabled",
	}
	for text, want := range map[string]string{
		"hostnmae": "hostname", "host": "hostname", "tags": "device_tags", "conectivities": "connectivities",
		"enable": "enabled", "ipv4": "ip", "": "ip",
		strings.Repeat("x", 1<<20): "hostname",
	} {
		if got := nearest(text, names); got != want {
			t.Errorf("%.20q: %q", text, got)
		}
	}
}
