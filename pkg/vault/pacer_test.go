package vault_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestDevices_Import_SlowDisk: if a part takes too long the next ones are smaller, down to 64 rows,
// because other writers wait for as long as one part takes.
func TestDevices_Import_SlowDisk(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a slow disk, which -short leaves out")
	}
	t.Parallel()
	w := NewWorld(t)
	var file strings.Builder
	file.WriteString("hostname,ip,model,type,vendor,site\n")
	for i := range 1100 {
		fmt.Fprintf(&file, "slow-%d,10.0.0.1,Model,Server,Vendor,Site\n", i)
	}
	transactions := 0
	w.Devices.Store = &Hooked{Store: w.Store, BeforeTransact: func() {
		transactions++
		time.Sleep(310 * time.Millisecond)
	}}
	result := Must(w.Devices.Import(Operator(t), strings.NewReader(file.String()), true))(t)
	WantSame(t, result.Created, 1100)
	// The text, the decision, and parts of 512, 256, 128 and 64 rows until all rows are stored.
	WantSame(t, transactions, 2+4+3)
}
