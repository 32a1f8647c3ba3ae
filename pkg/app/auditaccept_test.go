package app_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// TestAuditAccept: beside a running server, an operator looks at a loss, accepts it, and finds what
// is lost afterwards.
func TestAuditAccept(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o apptest.Options) {
		p := apptest.Start(t, o)
		c := login(t, p)
		authority := createCA(t, c, "ca-matriz")
		for _, name := range []string{"lisboa", "porto", "faro"} {
			createClient(t, c, authority.ID, name)
		}
		apptest.MustCommand(t, o, "audit", "checkpoint")
		if got := apptest.MustCommand(t, o, "audit", "accept"); got != "nothing is missing that was not accepted\n" {
			t.Errorf("it says %q", got)
		}
		db := openDatabase(t, o)
		alter(t, db, "DELETE FROM audit_events WHERE resource_name = 'porto'")
		run(t, db, "DELETE FROM audit_checkpoints WHERE number > 1")
		if outcome := apptest.Command(t, o, "audit", "checkpoint"); outcome.Code != 1 {
			t.Errorf("it is signed over a loss: %+v", outcome)
		}
		wantBroken(t, o, "are missing\n")

		hash := lossOf(t, o)
		for _, args := range [][]string{
			{"--loss", hash}, {"--loss", hash[1:], "--reason", "x"},
			{"--loss", strings.Repeat("0", 64), "--reason", "x"},
		} {
			if outcome := apptest.Command(t, o, append([]string{"audit", "accept"}, args...)...); outcome.Code == 0 {
				t.Errorf("%q: %+v", args, outcome)
			}
		}
		wantBroken(t, o, "are missing\n")
		got := apptest.MustCommand(t, o, "audit", "accept", "--loss", hash, "--reason", "a disk of ours")
		if !regexp.MustCompile(`^accepted: checkpoint \d+ is signed over it\n$`).MatchString(got) {
			t.Errorf("it says %q", got)
		}
		wantAccepted := func() {
			t.Helper()
			got := apptest.MustCommand(t, o, "audit", "verify")
			if !regexp.MustCompile(
				`^accepted as lost at \S+ \(2 problems, ` + hash +
					`, checkpoint \d+\): a disk of ours\n\d+ events, \d+ checkpoints, 0 problems\n$`,
			).MatchString(
				got,
			) {
				t.Errorf("it says %q", got)
			}
		}
		wantAccepted()
		wantCommands(t, c, "audit", 0, "chaveiro audit accept")
		createClient(t, c, authority.ID, "braga") // the server continues
		late := apptest.MustCommand(t, o, "audit", "checkpoint")
		apptest.MustCommand(t, o, "audit", "verify", "--expect", hashOf(t, late))
		wantAccepted()
		wantStatus(t, c, http.MethodGet, cas, nil, http.StatusOK)

		alter(t, db, "DELETE FROM audit_events WHERE resource_name = 'faro'")
		wantBroken(t, o, "^accepted as lost at ")
		if again := lossOf(t, o); again == hash {
			t.Error("more is missing, and the hash is the same")
		}
	})
}

// lossOf runs the command that prints the loss, and returns its hash.
func lossOf(t *testing.T, o apptest.Options) string {
	t.Helper()
	got := apptest.MustCommand(t, o, "audit", "accept")
	found := regexp.MustCompile(`missing\n(?s:.*)nothing has changed\. .* --loss ([0-9a-f]{64}) --reason TEXT\n$`).
		FindStringSubmatch(got)
	if found == nil {
		t.Fatalf("it says %q", got)
	}
	return found[1]
}
