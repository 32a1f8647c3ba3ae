package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
)

// programVariable makes the test binary run as the program.
const programVariable = "CHAVEIRO_FAULTS_PROGRAM"

// built is where the program is built. It is removed after the tests.
var built string

func TestMain(m *testing.M) {
	if os.Getenv(programVariable) != "" {
		main()
	}
	var err error
	if built, err = os.MkdirTemp("", "chaveiro-faults-program-"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(built)
	os.Exit(code)
}

// TestCampaign is a short campaign on PostgreSQL. `make faults` is the long one.
func TestCampaign(t *testing.T) {
	if _, err := pgtest.Program("postgres"); err != nil {
		pgtest.GiveUp(t, err)
	}
	short(t, "-engine", "postgres", "-kills", "5", "-restarts", "2", "-promotions", "2", "-stops", "2", "-cuts", "2",
		"-clocks", "2", "-fulls", "1", "-stores", "2")
}

// TestCampaign_SQLite is a short campaign on SQLite.
func TestCampaign_SQLite(t *testing.T) {
	short(t, "-engine", "sqlite", "-kills", "3", "-stops", "1", "-cuts", "1", "-clocks", "1", "-fulls", "1", "-stores", "1",
		"-writers", "4", "-readers", "8")
}

// movableBinary builds the program with a clock that can be moved, once for all tests. The first
// time it builds the libraries too, which takes minutes.
var movableBinary = sync.OnceValues(func() (string, error) {
	return build(context.Background(), built, true)
})

// short runs a short campaign with these arguments.
func short(t *testing.T, args ...string) {
	t.Helper()
	pgtest.Long(t)
	t.Parallel()
	binary, err := movableBinary()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	campaign := exec.CommandContext(t.Context(), program, append([]string{
		"-binary", binary, "-seed", fmt.Sprint(rand.IntN(1_000_000)), "-heal", "2m", "-time", "6m", // the machine may be busy
	}, args...)...)
	campaign.Env = append(os.Environ(), programVariable+"=1")
	var said bytes.Buffer
	campaign.Stdout, campaign.Stderr = &said, &said
	err = campaign.Run()
	t.Logf("%s", said.String())
	if err != nil || !strings.Contains(said.String(), "All of it holds") {
		t.Error(err)
	}
	if os.Getenv("CI") == "true" && strings.Contains(said.String(), "left out") {
		t.Error("a kind of fault is left out")
	}
}
