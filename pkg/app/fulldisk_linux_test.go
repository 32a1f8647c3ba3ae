package app_test

import (
	"net/http"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// TestReady_FullDisk prevents the files of a running server from growing, as a full disk does, and
// then allows it again.
func TestReady_FullDisk(t *testing.T) {
	t.Parallel()
	p := apptest.Start(t, onSQLite(t))
	c := login(t, p)
	wantReady(t, p.URL)
	var before unix.Rlimit
	if err := unix.Prlimit(
		p.PID(), unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1, Max: unix.RLIM_INFINITY}, &before,
	); err != nil {
		t.Fatal(err)
	}
	awaitReady(t, p.URL, "the database can't be written to")
	get(t, c, cas) // reads continue
	status, retry := answeredBy(t, c, http.MethodPost, cas, object{"name": "meanwhile", "email": "ca@example.com"})
	if status != http.StatusInternalServerError || retry == "" {
		t.Errorf("a change is answered with %d, try again after %q\n%s", status, retry, p.Log())
	}
	get(t, c, "/healthz")
	if err := unix.Prlimit(p.PID(), unix.RLIMIT_FSIZE, &before, nil); err != nil {
		t.Fatal(err)
	}
	awaitReady(t, p.URL, "")
	createCA(t, c, "afterwards")
}
