package app_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// TestSQLiteFileReplaced: nothing is stored in a file that was replaced, and the server ends with
// an error.
func TestSQLiteFileReplaced(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	p := apptest.Start(t, o)
	c := login(t, p)
	authority := createCA(t, c, "matriz")
	path := filepath.Join(o.DataDir, "chaveiro.db")
	write(t, o.DataDir, "other.db", must(os.ReadFile(path)))
	if err := os.Rename(filepath.Join(o.DataDir, "other.db"), path); err != nil {
		t.Fatal(err)
	}
	var answer record
	if c.Do(
		t.Context(), http.MethodPost, clients, object{
			"ca_id": authority.ID, "name": "lost", "email": "site@example.com",
		}, &answer,
	) == nil {
		t.Errorf("client %d was stored in a file that is gone", answer.ID)
	}
	if _, err := p.AwaitLog(t.Context(), "the database file was replaced: the server ends"); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().
		Add(20 * time.Second); !strings.Contains(p.Log(), `"msg":"stopped"`); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it still serves")
		}
	}
}
