package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// batchRows are the rows of a batch of that many clients.
func batchRows(count int) string {
	rows := make([]string, count)
	for i := range rows {
		rows[i] = fmt.Sprintf(`{"ca_id": 1, "name": "batch-%d", "email": "a@b.c"}`, i)
	}
	return strings.Join(rows, ", ")
}

// TestBatch_Bounds: a thousand rows are stored at once; one more is refused whatever the mode, and
// leaves nothing. So does a row at the very end that is at fault.
func TestBatch_Bounds(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *wiretest.Server) {
		send(t, s, "POST", casPath, `{"name": "ca", "email": "a@b.c"}`).want(t, 200, "", "")
		before := rowsOf(t, s)
		for _, mode := range []string{"all", "each"} {
			many := fmt.Sprintf(`{"mode": "%s", "clients": [%s]}`, mode, batchRows(1001))
			send(t, s, "POST", clientsPath+"/batch", many).want(t, 409, "clients", "invalid")
		}
		last := `{"clients": [` + batchRows(999) + `, {"ca_id": 1, "name": "BATCH-7", "email": "a@b.c"}]}`
		send(t, s, "POST", clientsPath+"/batch", last).want(t, 409, "clients[999].name", "duplicated")
		none := `{"clients": [` + strings.Repeat("null, ", 999) + `null]}`
		send(t, s, "POST", clientsPath+"/batch", none).want(t, 409, "clients[0]", "required")
		tooLarge := `{"clients": ["` + strings.Repeat("x", 12<<20) + `"]}`
		send(t, s, "POST", clientsPath+"/batch", tooLarge).want(t, 400, "", "invalid")
		if diff := cmp.Diff(before, rowsOf(t, s)); diff != "" {
			t.Fatal(diff)
		}
		done := send(t, s, "POST", clientsPath+"/batch", `{"clients": [`+batchRows(1000)+`]}`).object(t)
		if done["created"] != 1000.0 || len(done["rows"].([]any)) != 1000 {
			t.Errorf("%v created", done["created"])
		}
	})
}

// TestBatch_DryRun: a dry run changes no row, and says what the request then does.
func TestBatch_DryRun(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *wiretest.Server) {
		send(t, s, "POST", casPath, `{"name": "ca", "email": "a@b.c"}`).want(t, 200, "", "")
		body := `{"mode": "each", "clients": [` + batchRows(3) + `, {"ca_id": 1, "name": "batch-1", "email": "a@b.c"}]}`
		const file = "name,email,ca\nfile-1,a@b.c,CA\nfile-1,a@b.c,ca\n"
		before := rowsOf(t, s)
		said := send(t, s, "POST", clientsPath+"/batch?dry_run=true", body, "Idempotency-Key", "k").object(t)
		saidOfFile := send(
			t, s, "POST", clientsPath+"/import.csv?dry_run=true&atomic=false", file, "Content-Type", "text/csv",
		).object(t)
		if diff := cmp.Diff(before, rowsOf(t, s)); diff != "" {
			t.Fatal(diff)
		}
		done := send(t, s, "POST", clientsPath+"/batch", body, "Idempotency-Key", "k").object(t)
		for _, row := range done["rows"].([]any) {
			delete(row.(map[string]any), "client")
		}
		doneOfFile := send(t, s, "POST", clientsPath+"/import.csv?atomic=false", file, "Content-Type", "text/csv").object(t)
		for i, pair := range [][2]map[string]any{{said, done}, {saidOfFile, doneOfFile}} {
			if pair[0]["dry_run"] != true || pair[1]["dry_run"] != false {
				t.Errorf("%d: %v, %v", i, pair[0]["dry_run"], pair[1]["dry_run"])
			}
			delete(pair[0], "dry_run")
			delete(pair[1], "dry_run")
			if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
				t.Errorf("%d (-said +done):\n%s", i, diff)
			}
		}
	})
}

// TestClientFile_ThereAndBack: an export that is imported where it was made changes nothing.
// Elsewhere it makes the clients that are in force, with all that the file says of them.
func TestClientFile_ThereAndBack(t *testing.T) {
	t.Parallel()
	s, other := withCA(t), withCA(t)
	const count = 230
	for i := range count {
		send(t, s, "POST", clientsPath, object(t, "ca_id", 1, "name", fmt.Sprintf("-site-%d", i), "email", "a@b.c",
			"description", []string{"@SUM(1)", "'-1", "a,b\n\"c\"", "São João", " x "}[i%5], "city", "Niterói",
			"key_algorithm", []string{"ed25519", "ecdsa-p256"}[i%2])).want(t, 200, "", "")
	}
	send(t, s, "DELETE", clientsPath+"/8", "").want(t, 200, "", "")
	file := string(send(t, s, "GET", clientsPath+"/export", "").body)
	before := rowsOf(t, s)
	again := send(t, s, "POST", clientsPath+"/import.csv", file, "Content-Type", "text/csv").object(t)
	if again["unchanged"] != count-1.0 || again["skipped"] != 1.0 || again["created"] != 0.0 {
		t.Errorf("%v", again)
	}
	if diff := cmp.Diff(before, rowsOf(t, s)); diff != "" {
		t.Error(diff)
	}
	for _, want := range []string{"created", "unchanged"} {
		text := file
		if want == "unchanged" { // the certificates are others there
			text = string(send(t, other, "GET", clientsPath+"/export", "").body)
		}
		got := send(t, other, "POST", clientsPath+"/import.csv", text, "Content-Type", "text/csv").object(t)
		if got[want] != count-1.0 {
			t.Errorf("%v", got)
		}
	}
	made := send(t, other, "GET", clientsPath+"?name=-site-2", "").object(t)["clients"].([]any)[0].(map[string]any)
	if made["description"] != "a,b\n\"c\"" || made["city"] != "Niterói" || made["key_algorithm"] != "ed25519" {
		t.Errorf("%v", made)
	}
}

// TestClientFile_Bounds: a file of too many rows is refused, and a row at its end that is at fault
// leaves nothing.
func TestClientFile_Bounds(t *testing.T) {
	t.Parallel()
	s := withCA(t)
	before := rowsOf(t, s)
	path := clientsPath + "/import.csv?ca_id=1"
	var rows strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&rows, "file-%d,a@b.c\n", i)
	}
	for file, want := range map[string][2]string{
		"name,email\n" + rows.String() + "one,a@b.c\n":         {"", "rule"},
		"name,email\n" + rows.String()[:20_000] + "\n,\n..,\n": {"rows[", ""},
	} {
		got := send(t, s, "POST", path, file, "Content-Type", "text/csv")
		if want[1] != "" {
			got.want(t, 409, want[0], want[1])
		} else if got.status != 409 || !strings.Contains(string(got.body), want[0]) {
			t.Errorf("%d %.200s", got.status, got.body)
		}
	}
	for _, file := range []string{"", "\n", "name,email\n\"x", strings.Repeat("x", 33<<20)} {
		if got := send(t, s, "POST", path, file, "Content-Type", "text/csv"); got.status != 400 {
			t.Errorf("%.20q: %d %.200s", file, got.status, got.body)
		}
	}
	if diff := cmp.Diff(before, rowsOf(t, s)); diff != "" {
		t.Error(diff)
	}
}
