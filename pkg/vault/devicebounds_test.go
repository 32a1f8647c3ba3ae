package vault_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/vault"
)

// allocated returns how many bytes fn allocates in all. Nothing else may run at the same time.
func allocated(fn func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestDevices_Import_Bounds: the memory for a file is bounded, whatever is wrong with the file. The
// test is not parallel, because it measures the whole process.
func TestDevices_Import_Bounds(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	w := NewWorld(t)
	const size = 1800 << 10
	rows := func(row string) string { return deviceHeader + "\n" + strings.Repeat(row, size/len(row)) }
	for name, test := range map[string]struct {
		file   string
		faults int // of an atomic import
		failed int // rows of an import that is not atomic
		bound  uint64
	}{
		"separators":        {rows(",,,,,\n"), 0, 0, 20 << 20},
		"blanks":            {rows(" ,\t, ,,\" \",\n"), 0, 0, 20 << 20},
		"one long line":     {deviceHeader + "\n" + strings.Repeat(",", size), 0, 0, 20 << 20},
		"one long row":      {deviceHeader + "\n" + strings.Repeat(",x", size/2), 1, 1, 20 << 20},
		"line ends":         {deviceHeader + strings.Repeat("\r", size), 0, 0, 20 << 20},
		"short rows":        {rows("a\n"), domain.MaxFaults, size / 2, 1 << 30},
		"rows at fault":     {rows("a,,,,,\n"), domain.MaxFaults, size / 7, 1 << 30},
		"headers":           {rows(deviceHeader + "\n"), domain.MaxFaults, size / (len(deviceHeader) + 1), 1 << 30},
		"unknown columns":   {deviceHeader + strings.Repeat(",x", size/2), 256 - 6, 0, 20 << 20},
		"columns of nobody": {strings.Repeat("x;", size/2), 1, 0, 20 << 20},
	} {
		var err error
		var result vault.ImportResult
		if got := allocated(
			func() { _, err = w.Devices.Import(t.Context(), strings.NewReader(test.file), true) },
		); got > 40<<20 {
			t.Errorf("%s, all or none: %d MiB", name, got>>20)
		}
		if got := len(domain.Faults(err)); got != test.faults || err != nil && got == 0 {
			t.Errorf("%s: %d faults, %.100v", name, got, err)
		}
		got := allocated(func() { result, err = w.Devices.Import(t.Context(), strings.NewReader(test.file), false) })
		if got > test.bound {
			t.Errorf("%s: %d MiB", name, got>>20)
		}
		if result.Failed != test.failed || result.Created != 0 || len(result.Faults) > domain.MaxFaults {
			t.Errorf("%s: %d failed, %d faults", name, result.Failed, len(result.Faults))
		}
	}
}

// TestDevices_Import_Spellings: whatever a spreadsheet writes is read. All faults of a row are
// reported at once, with its line.
func TestDevices_Import_Spellings(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	newDomain(t, w, "corp", "")
	const header = "hostname;ip;model;type;vendor;site;enabled;device_tags"
	wide := func(text string) string {
		out := "\xff\xfe"
		for _, r := range text {
			out += string([]byte{byte(r), byte(r >> 8)})
		}
		return out
	}
	for file, want := range map[string]string{
		header + "\r\na1;1;m;t;v;São Paulo;FALSO;'=1+1\r\n":                   "São Paulo false =1+1",
		header + "\ra2;1;m;t;v;São Paulo;Não;'+5\r":                           "São Paulo false +5",
		header + "\na3;1;m;t;v;S\xe3o Paulo;sim;''=x\r\n;;;;;;;;\r":           "São Paulo true '=x",
		"\ufeffsep=;\r\n" + header + "\r\na4;1;m;t;v;São Paulo;;x;;;\r\n":     "São Paulo true x",
		"sep=|\n" + strings.ReplaceAll(header+"\na5;1;m;t;v;s;0;x", ";", "|"): "s false x",
		strings.ReplaceAll(header+"\na6;1;m;t;v;s;1;\"x\"", ";", "\t"):        "s true x",
		wide(header + "\r\na7;1;m;t;v;São Paulo;VERDADEIRO;\"@x\"\r\n"):       "São Paulo true @x",
	} {
		result := importDevices(t, w, file, true)
		found := Must(w.Devices.Page(t.Context(), domain.DeviceFilter{}, domain.PageRequest{Size: 100}))(t).Items
		last := found[len(found)-1]
		got := last.Site + " " + map[bool]string{true: "true", false: "false"}[last.Enabled] + " " +
			strings.Join(last.Tags, ",")
		if result.Created != 1 || got != want {
			t.Errorf("%q: %+v %q", file, result, got)
		}
	}
	file := header +
		";device_domain;connectivities\n\nb1;;m;t;v;s;perhaps;;nowhere;FTP\n\"b\n2\";1;m;t;v;s;;;corp;\nb3;1;m;t;v;s;;;;;x\n" + header + ";device_domain;connectivities\n"
	_, err := w.Devices.Import(t.Context(), strings.NewReader(file), true)
	WantFaults(t, err, NewFault(domain.Required, "rows[1].ip", domain.ReasonRequired),
		NewFault(domain.Invalid, "rows[1].connectivities", domain.ReasonChoice),
		NewFault(domain.Invalid, "rows[1].enabled", domain.ReasonType),
		NewFault(domain.NotFound, "rows[1].device_domain", domain.ReasonNotFound),
		NewFault(domain.Invalid, "rows[2].hostname", domain.ReasonControl),
		NewFault(domain.Invalid, "rows[3]", domain.ReasonCells),
		NewFault(domain.Invalid, "rows[4]", domain.ReasonHeaderTwice))
	var lines []int
	for _, one := range domain.Faults(err) {
		lines = append(lines, one.Line)
	}
	WantSame(t, lines, []int{3, 3, 3, 3, 4, 6, 7})
}
