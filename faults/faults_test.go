package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
)

// programVariable makes the test binary run as the program.
const programVariable = "CHAVEIRO_FAULTS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programVariable) != "" {
		main()
	}
	apptest.Main(m)
}

// TestCampaign is a short campaign, without moved clocks: a program whose clock can be moved takes
// minutes to build. `make faults` is the long one.
func TestCampaign(t *testing.T) {
	pgtest.Long(t)
	if _, err := pgtest.Program("postgres"); err != nil {
		pgtest.GiveUp(t, err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	campaign := exec.CommandContext(t.Context(), program, "-binary", apptest.Binary(t), "-seed", fmt.Sprint(rand.IntN(1_000_000)),
		"-kills", "8", "-restarts", "3", "-promotions", "2", "-stops", "4", "-cuts", "4", "-fulls", "2",
		"-heal", "2m", "-time", "6m") // the machine may be busy
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
