package app_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// nightly is set where tests may take long: see the target of that name in the Makefile.
var nightly = os.Getenv("CHAVEIRO_NIGHTLY") != ""

// TestImport_BesideWrites: while a command imports many devices into the SQLite file of a server,
// all writes of the server succeed, and the imported devices become visible all at once. With as
// many as 100 000 devices no write takes longer than a second.
func TestImport_BesideWrites(t *testing.T) {
	t.Parallel()
	rows := 6_000
	if nightly {
		rows = 100_000
	}
	o := onSQLite(t)
	p := apptest.Start(t, o)
	c := login(t, p)
	var file strings.Builder
	file.WriteString("hostname,ip,model,type,vendor,site\n")
	for i := range rows {
		fmt.Fprintf(&file, "imported-%d,10.%d.%d.%d,m,t,v,s\n", i, i>>16, i>>8&255, i&255)
	}
	o.Stdin = file.String()
	imported := make(chan apptest.Outcome, 1)
	go func() { imported <- apptest.Command(t, o, "device", "import", "-") }()
	longest, written := time.Duration(0), 0
	for {
		select {
		case outcome := <-imported:
			if want := fmt.Sprintf("%d created, 0 updated, 0 unchanged, 0 at fault\n", rows); outcome.Code != 0 ||
				outcome.Stdout != want {
				t.Fatalf("%d %q %q", outcome.Code, outcome.Stdout, outcome.Stderr)
			}
			t.Logf("%d writes beside the import, the longest took %v", written, longest)
			if written < 5 || nightly && longest > time.Second {
				t.Errorf("%d writes, the longest took %v", written, longest)
			}
			return
		default:
		}
		began := time.Now()
		create(t, c, "/api/pam/domains", object{"name": fmt.Sprintf("beside-%d", written)})
		longest, written = max(longest, time.Since(began)), written+1
		pair := []int{0, rows - 1}
		if written%2 == 0 {
			slices.Reverse(pair)
		}
		if isImported(t, c, pair[0]) && !isImported(t, c, pair[1]) {
			t.Fatalf("%d is seen and %d is not", pair[0], pair[1])
		}
	}
}

func isImported(t *testing.T, c *apptest.Client, i int) bool {
	t.Helper()
	return strings.Contains(string(get(t, c, fmt.Sprintf("/api/pam/devices?hostname=imported-%d", i))), `"hostname"`)
}
