package openvpn_test

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/openvpn"
	"github.com/chaveiro/chaveiro/pkg/openvpn/openvpntest"
)

// TestKnown_Help: every option that the installed OpenVPN explains is known.
func TestKnown_Help(t *testing.T) {
	t.Parallel()
	help, _ := exec.CommandContext(t.Context(), openvpntest.Require(t), "--help").CombinedOutput() // its status is 1
	options := regexp.MustCompile(`(?m)^--([a-z0-9-]+)`).FindAllStringSubmatch(string(help), -1)
	if len(options) < 200 {
		t.Fatalf("only %d options in %s", len(options), help)
	}
	for _, option := range options {
		if !slices.Contains(openvpn.Known(), option[1]) {
			t.Errorf("--%s is not known", option[1])
		}
	}
}

// TestRules_AsOpenVPN asks the installed OpenVPN for every directive: it takes the fewest and the
// most parameters that the table says, and no more and no fewer.
func TestRules_AsOpenVPN(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts OpenVPN a thousand times")
	}
	t.Parallel()
	binary := openvpntest.Require(t)
	var wait sync.WaitGroup
	turns := make(chan struct{}, 4)
	for _, a := range openvpn.Arities(is27(t, binary)) {
		wait.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			compareArity(t, binary, a)
		})
	}
	wait.Wait()
}

// is27 reports whether OpenVPN is 2.7, and not 2.6. The tables are of no other version: with one
// the test is skipped, except under CI=true, where it fails.
func is27(t *testing.T, binary string) bool {
	t.Helper()
	version, _ := exec.CommandContext(t.Context(), binary, "--version").CombinedOutput() // its status is 1
	for series, later := range map[string]bool{"OpenVPN 2.6": false, "OpenVPN 2.7": true} {
		if strings.HasPrefix(string(version), series) {
			return later
		}
	}
	give := t.Skipf
	if os.Getenv("CI") == "true" {
		give = t.Fatalf
	}
	give("the tables of directives are of OpenVPN 2.6 and 2.7, and %s is %.20q: install one of these", binary, version)
	return false
}

func compareArity(t *testing.T, binary string, a openvpn.Arity) {
	if !takes(t, binary, a.Name, a.Min) || !takes(t, binary, a.Name, a.Max) {
		t.Errorf("OpenVPN does not know %s with %d and %d parameters", a.Name, a.Min, a.Max)
	}
	if a.Max < openvpn.MaxParameters-1 && takes(t, binary, a.Name, a.Max+1) {
		t.Errorf("OpenVPN takes more than %d parameters of %s", a.Max, a.Name)
	}
	if a.Min > 0 && takes(t, binary, a.Name, a.Min-1) {
		t.Errorf("OpenVPN takes fewer than %d parameters of %s", a.Min, a.Name)
	}
}

var miscounted = regexp.MustCompile(`Unrecognized option or missing or extra parameter|should have at most` +
	`|port number not defined|missing window size|requires a second parameter|requires a provider parameter` +
	`|does not accept any parameters`)

// takes reports whether OpenVPN knows a directive with so many parameters. What they are is another
// matter.
func takes(t *testing.T, binary, name string, parameters int) bool {
	line := name + strings.Repeat(" 1", parameters)
	if name == "crl-verify" && parameters == 2 {
		line = "crl-verify 1 dir" // it takes no other second parameter
	}
	return !miscounted.MatchString(readConfig(t, binary, line+"\n"))
}
