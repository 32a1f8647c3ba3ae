package openvpn_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/openvpn"
	"github.com/chaveiro/chaveiro/pkg/openvpn/openvpntest"
)

// TestParse_AsOpenVPN lets OpenVPN read lines that Parse accepts, and say what it has read.
func TestParse_AsOpenVPN(t *testing.T) {
	t.Parallel()
	binary := openvpntest.Require(t)
	random := rand.New(rand.NewPCG(1, 2))
	var text strings.Builder
	var want []string
	for len(want) < 3000 {
		line := fmt.Sprintf("echo msg%d ", len(want)) + randomLine(random)
		directives, err := openvpn.Parse(line)
		if err != nil {
			continue
		}
		text.WriteString(line + []string{"\n", "\r\n"}[random.IntN(2)])
		want = append(want, strings.Join(directives[0].Parameters, " "))
	}
	log := readConfig(t, binary, "\ufeff"+text.String())
	var got []string
	for _, echo := range regexp.MustCompile(`(?m)^ECHO:(.*)$`).FindAllStringSubmatch(log, -1) {
		got = append(got, echo[1])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func randomLine(random *rand.Rand) string {
	pieces := []string{
		" ", " ", "\t", `"`, `"`, "'", `\`, `\\`, `\"`, `\ `, "#", ";", "a", "b", "é", "<", ">", "--", "/", strings.Repeat("x", 40),
	}
	var line string
	for range random.IntN(14) {
		line += pieces[random.IntN(len(pieces))]
	}
	return line
}

// TestParse_Blocks: OpenVPN ends a block where Parse does.
func TestParse_Blocks(t *testing.T) {
	t.Parallel()
	binary := openvpntest.Require(t)
	for _, text := range []string{
		"<ca>\n</ca>\necho msg after\n",
		"  <ca> # x\n\necho msg in\n<ca>\n\t </ca>  \necho msg after\n",
		"--<ca>\r\necho msg in\r\n </ca\r\n</ca>\r\necho msg after\r\n",
		"\"<ca>\"\necho msg in\n</ca>\necho msg after",
	} {
		directives, err := openvpn.Parse(text)
		if err != nil || len(directives) != 2 || directives[0].Name != "ca" {
			t.Errorf("%q: %v, %v", text, directives, err)
		}
		if log := readConfig(t, binary, text); strings.Count(log, "ECHO:") != 1 || !strings.Contains(log, "ECHO:msg after") {
			t.Errorf("%q: %s", text, log)
		}
	}
}

// TestParse_Limits: the longest line and the most words that Parse accepts are read whole.
func TestParse_Limits(t *testing.T) {
	t.Parallel()
	binary := openvpntest.Require(t)
	long := "echo msg " + strings.Repeat("x", openvpn.MaxLine-9)
	many := "echo msg" + strings.Repeat(" x", openvpn.MaxParameters-2)
	log := readConfig(t, binary, long+"\n"+many+"\n")
	if !strings.Contains(log, "ECHO:"+long[5:]+"\n") || !strings.Contains(log, "ECHO:"+many[5:]+"\n") {
		t.Error(log)
	}
	if log := readConfig(t, binary, long+"x\n"); !strings.Contains(log, "Maximum option line length") {
		t.Error(log)
	}
}

// readConfig returns what OpenVPN says while it reads a configuration.
func readConfig(t *testing.T, binary, text string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.conf"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	// It ends when it has shown the digests.
	cmd := exec.CommandContext(ctx, binary, "--suppress-timestamps", "--config", "a.conf", "--show-digests")
	cmd.Dir = dir
	log, _ := cmd.CombinedOutput() // a text that OpenVPN refuses is an error, and a result
	if ctx.Err() != nil {
		t.Fatalf("openvpn does not end: %s", log)
	}
	return string(log)
}
