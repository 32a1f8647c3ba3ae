package vault_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/vault"
)

const deviceHeader = "hostname,ip,model,type,vendor,site"

func TestDevices_Import(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			newDomain(t, w, "corp", "")
			t.Run("all or none", func(t *testing.T) { testImportAtomic(t, w) })
			t.Run("the rows without faults", func(t *testing.T) { testImportGood(t, w) })
		})
	}
}

func importDevices(t testing.TB, w *World, file string, atomic bool) vault.ImportResult {
	t.Helper()
	return Must(w.Devices.Import(t.Context(), strings.NewReader(file), atomic))(t)
}

func testImportAtomic(t *testing.T, w *World) {
	ctx := t.Context()
	upsert(t, w, DeviceSpec("there"))
	upsert(t, w, DeviceSpec("same"))
	before := w.CountEvents(t)
	for file, want := range map[string][]Fault{
		deviceHeader + "\nnew,a,b,c,d,e\n,a,b,c,d,e\n": {
			NewFault(domain.Required, "rows[2].hostname", domain.ReasonRequired),
		},
		deviceHeader + ",device_domain\nnew,a,b,c,d,e,corp\nother,a,b,c,d,e,nobody\n": {
			NewFault(domain.NotFound, "rows[2].device_domain", domain.ReasonNotFound),
		},
		deviceHeader + "\nnew,a,b,c,d,e\nNEW,a,b,c,d,e\nnew,,b,c,d,e\n": {
			NewFault(domain.Duplicated, "rows[2].hostname", domain.ReasonTwice),
			NewFault(domain.Required, "rows[3].ip", domain.ReasonRequired),
		},
		deviceHeader + "\nnew,a,b,c,d\nnew,a,b,c,d,e,f\n": {
			NewFault(domain.Invalid, "rows[1]", domain.ReasonCells),
			NewFault(domain.Invalid, "rows[2]", domain.ReasonCells),
		},
	} {
		_, err := w.Devices.Import(ctx, strings.NewReader(file), true)
		WantFaults(t, err, want...)
	}
	_, err := w.Devices.Get(ctx, "new")
	WantFaults(t, err, NewFault(domain.Missing, "id", domain.ReasonNotFound))
	WantSame(t, w.CountEvents(t), before)
	result := importDevices(
		t, w,
		deviceHeader+
			",device_tags\nthere,changed,b,c,d,e,\nsame,10.0.0.1,RHEL,Server,Red Hat,Cloud,\nnew,a,b,c,d,e,x\n", true,
	)
	WantSame(t, result, vault.ImportResult{Created: 1, Updated: 1, Unchanged: 1})
	WantSame(t, Must(w.Devices.Get(ctx, "there"))(t).IP, "changed")
	WantSame(t, w.CountEvents(t), before+2)
	WantSame(t, len(Must(w.Audit.Verify(ctx))(t).Problems), 0)
}

func testImportGood(t *testing.T, w *World) {
	file := deviceHeader +
		",device_domain\nn1,a,b,c,d,e,CORP\nn2,a,b,c,d,e,nobody\nn3,a,b,c,d\nN1,a,b,c,d,e,\nn4,a,b,c,d,,\nn5,a,b,c,d,e,\n"
	result := importDevices(t, w, file, false)
	WantSame(t, []int{result.Created, result.Updated, result.Unchanged}, []int{2, 0, 0})
	var got []string
	for _, f := range result.Faults {
		got = append(got, fmt.Sprint(f))
	}
	WantSame(t, got, []string{
		"line 3: device_domain: not found", "line 4: wrong number of cells", "line 5: hostname: given twice",
		"line 6: site: required",
	})
	WantSame(t, Must(w.Devices.Get(t.Context(), "n1"))(t).Domains, []string{"corp"})
}

func TestDevices_Import_Files(t *testing.T) {
	t.Parallel()
	for sentence, file := range map[string]string{
		"as it should be":          deviceHeader + "\nwin 1,10.0.0.1,RHEL,Server,Red Hat,Cloud\n",
		"no line break at the end": deviceHeader + "\nwin 1,10.0.0.1,RHEL,Server,Red Hat,Cloud",
		"CRLF":                     deviceHeader + "\r\nwin 1,10.0.0.1,RHEL,Server,Red Hat,Cloud\r\n",
		"a byte order mark": "\ufeff" + deviceHeader +
			"\nwin 1,10.0.0.1,RHEL,Server,Red Hat,Cloud\n",
		"a byte order mark before a quote": "\ufeff\"hostname\",\"ip\",\"model\",\"type\",\"vendor\",\"site\"\n\"win 1\",\"10.0.0.1\",RHEL,Server,Red Hat,Cloud\n",
		"quotes, spaces and empty lines": deviceHeader +
			"\n\n\"win 1\",10.0.0.1 , RHEL,\"Server\",Red Hat,Cloud\n\n",
		"columns in another order and spelled": " Site ,VENDOR,type,Model,IP,Hostname\nCloud,Red Hat,Server,RHEL,10.0.0.1,win 1\n",
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := NewWorld(t)
			WantSame(t, importDevices(t, w, file, true), vault.ImportResult{Created: 1})
			d := Must(w.Devices.Get(t.Context(), "win 1"))(t)
			WantSame(
				t, []string{d.Hostname, d.IP, d.Model, d.Type, d.Vendor, d.Site},
				[]string{"win 1", "10.0.0.1", "RHEL", "Server", "Red Hat", "Cloud"},
			)
		})
	}
	w := NewWorld(t)
	for file, want := range map[string]Fault{
		"":                                  NewFault(domain.Malformed, "", domain.ReasonNoHeader),
		"\n\n":                              NewFault(domain.Malformed, "", domain.ReasonNoHeader),
		"hostname,ip,model,type,vendor\n":   NewFault(domain.Malformed, "site", domain.ReasonNoColumn),
		deviceHeader + ",IP\n":              NewFault(domain.Malformed, "ip", domain.ReasonColumnTwice),
		deviceHeader + ",note\n":            NewFault(domain.Invalid, "note", domain.ReasonColumn),
		deviceHeader + "\na\"b,c,d,e,f,g\n": NewFault(domain.Malformed, "", domain.ReasonQuote),
		deviceHeader + "\n\"a,c,d,e,f,g\n":  NewFault(domain.Malformed, "", domain.ReasonQuote),
	} {
		for _, atomic := range []bool{false, true} {
			_, err := w.Devices.Import(t.Context(), strings.NewReader(file), atomic)
			WantFaults(t, err, want)
		}
	}
	for _, atomic := range []bool{false, true} {
		WantSame(t, importDevices(t, w, deviceHeader, atomic), vault.ImportResult{})
	}
}

// TestDevices_Import_Optional: an absent column leaves the field as it is, an empty cell clears it.
func TestDevices_Import_Optional(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	spec := DeviceSpec("a")
	spec.Tags, spec.Connectivities = new("api"), new("SSH")
	upsert(t, w, spec)
	importDevices(t, w, deviceHeader+",connectivities\na,10.0.0.1,RHEL,Server,Red Hat,Cloud,\n", true)
	d := Must(w.Devices.Get(t.Context(), "a"))(t)
	WantSame(t, []int{len(d.Tags), len(d.Connectivities)}, []int{1, 0})
}

func TestDevices_Import_Many(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			const many = 10000
			var file strings.Builder
			file.WriteString(deviceHeader + ",device_domain\n")
			for i := range many {
				switch {
				case i%10 == 3:
					fmt.Fprintf(&file, "host %d,,model,type,vendor,site,\n", i)
				case i%10 == 5:
					fmt.Fprintf(&file, "host %d,ip,model,type,vendor,site,nobody %d\n", i, i)
				default:
					fmt.Fprintf(&file, "host %d,ip,model %d,type,vendor,site,\n", i, i%700)
				}
			}
			_, err := w.Devices.Import(t.Context(), strings.NewReader(file.String()), true)
			WantSame(t, len(domain.Faults(err)), many/10)
			result := importDevices(t, w, file.String(), false)
			WantSame(
				t, []int{result.Created, result.Failed, len(result.Faults)},
				[]int{many * 8 / 10, many * 2 / 10, domain.MaxFaults},
			)
			for i, f := range result.Faults {
				if want := i/2*10 + 4 + i%2*2; f.Row != want {
					t.Fatalf("fault %d is of row %d, not %d", i, f.Row, want)
				}
			}
			WantSame(t, len(Must(w.Audit.Verify(t.Context()))(t).Problems), 0)
		})
	}
}

// TestDevices_Export: an export can be imported again and changes nothing.
func TestDevices_Export(t *testing.T) {
	t.Parallel()
	one, two := NewWorld(t), NewWorld(t)
	for _, w := range []*World{one, two} {
		newDomain(t, w, "corp.example.com", "CORP")
		newDomain(t, w, "other", "")
	}
	ctx := t.Context()
	text := rapid.OneOf(rapid.StringMatching(`[ -~]{0,8}[!-~]`), rapid.StringMatching(`[=@,"'é東\\.]{1,5}`))
	pick := func(rt *rapid.T, of ...string) *string { return new(rapid.SampledFrom(of).Draw(rt, "list")) }
	rapid.Check(t, func(rt *rapid.T) {
		field := func(what string) string { return text.Draw(rt, what) }
		_, err := one.Devices.Upsert(ctx, domain.DeviceSpec{
			Hostname: field("hostname"), IP: field("ip"), Model: field("model"), Type: field("type"),
			Vendor: field("vendor"), Site: field("site"),
			Domains:        pick(rt, "", "corp", "other,CORP"),
			Tags:           pick(rt, "", "a", `b c, "d", 'e'`, strings.Repeat("é", 250)),
			Connectivities: pick(rt, "", "SSH", "SQL Server:1,SSH:2"),
			Remote:         pick(rt, "", "HTTP::", "SSH: a\"b,:c \nRDP:x:y"),
		}, nil)
		if err != nil && domain.Faults(err) == nil {
			rt.Fatal(err)
		}
	})
	file := exported(t, one, domain.DeviceFilter{})
	devices := importDevices(t, one, file, true).Unchanged
	if devices < 50 && !testing.Short() { // rapid makes fewer checks with -short
		t.Fatalf("%d devices only", devices)
	}
	WantSame(t, importDevices(t, two, file, true), vault.ImportResult{Created: devices})
	WantSame(t, importDevices(t, two, file, true), vault.ImportResult{Unchanged: devices})
	WantSame(
		t, importDevices(t, one, exported(t, two, domain.DeviceFilter{}), true), vault.ImportResult{Unchanged: devices},
	)
	WantSame(
		t, exported(t, one, domain.DeviceFilter{Hostname: "nobody"}),
		deviceHeader+",device_domain,device_tags,connectivities,session_remote_config,enabled\n",
	)
}

func exported(t testing.TB, w *World, filter domain.DeviceFilter) string {
	t.Helper()
	var file bytes.Buffer
	Check(t, w.Devices.Export(t.Context(), filter, &file))
	return file.String()
}
