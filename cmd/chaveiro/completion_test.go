package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// grammar is that of all commands, for tests that only read it.
var grammar = sync.OnceValue(func() *kong.Kong { return newParser(new(cli)) })

// offered are the words that are offered for the last word of a line, which ends with a space when
// that word is empty.
func offered(line string) []string {
	var out bytes.Buffer
	printCandidates(&out, grammar().Model.Node, strings.Split(line, " "))
	var words []string
	for candidate := range strings.Lines(out.String()) {
		word, _, _ := strings.Cut(strings.TrimSuffix(candidate, "\n"), "\t")
		words = append(words, word)
	}
	return words
}

func TestCandidates(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		"c":                                 {"ca", "client", "cert", "crl", "campaign", "copy", "completion"},
		"client con":                        {"config"},
		"client config ":                    {"list", "show", "set", "remove"},
		"client profile --format open":      {"openvpn", "openwrt"},
		"instance bundle --dir ":            {":files"},
		"instance update vpn --no-re":       {"--no-remote", "--no-remote-random"},
		"cl":                                {"client"},
		"import ":                           {"easy-rsa", "openvpn-ui", "pem"},
		"import pem ":                       {":files"},
		"help cr":                           {"crl"},
		"h":                                 {"help"},
		"help h":                            nil,
		"crl ":                              {"list", "show", "get", "import"},
		"help crl ":                         {"list", "show", "get", "import"},
		"apikey r":                          {"rotate", "revoke"},
		"apikey delete --y":                 {"--yes"},
		"apikey up":                         {"update"},
		"user update maria --no-":           {"--no-superuser", "--no-role"},
		"user update --no-superuser --em":   {"--email"},
		"client list --st":                  {"--status"},
		"client list --sort ":               {"id", "expiry"},
		"cert revoke --cert ":               {":files"},
		"crl import 1 ":                     {":files"},
		"cert ":                             {"list", "show", "create", "register", "pem", "key", "p12", "archive", "archived", "revoke"},
		"client list --status ":             {"valid", "expired", "revoked"},
		"client list --status = v":          {"valid"},
		"client list --status =":            {"valid", "expired", "revoked"},
		"client list --json --c":            {"--config", "--csv", "--ca"},
		"client list --name x --st":         {"--status"},
		"client list --name --st":           nil,
		"completion ":                       {"bash", "zsh", "fish"},
		"completion zsh ":                   nil,
		"client key site --out ":            {":files"},
		"client key -o ":                    {":files"},
		"client key ":                       nil,
		"serve --tls-certificate ":          {":files"},
		"restore --cr":                      {"--crl"},
		"restore --crl ":                    {":files"},
		"backup ":                           {":files"},
		"backup --f":                        {"--floor-file", "--force"},
		"--ver":                             {"--version"},
		"nonsense ":                         offered(""),
		"client p12 --profile legacy --pas": {"--password-stdin"},
	} {
		if diff := cmp.Diff(want, offered(line)); diff != "" {
			t.Errorf("%q: %s", line, diff)
		}
	}
}

// TestCandidates_All: every command and every flag is offered, and each has a help.
func TestCandidates_All(t *testing.T) {
	t.Parallel()
	var walk func(node *kong.Node, line string)
	walk = func(node *kong.Node, line string) {
		flags := offered(line + "--")
		for _, flag := range node.Flags {
			if !slices.Contains(flags, "--"+flag.Name) || flag.Help == "" {
				t.Errorf("%q: --%s is not offered, or has no help", line, flag.Name)
			}
		}
		for _, child := range node.Children {
			if !slices.Contains(offered(line), child.Name) || child.Help == "" {
				t.Errorf("%q: %s is not offered, or has no help", line, child.Name)
			}
			walk(child, line+child.Name+" ")
		}
	}
	walk(grammar().Model.Node, "")
}

// TestFlags_NoSecrets: no flag or argument takes a secret, which all accounts of the machine could
// read.
func TestFlags_NoSecrets(t *testing.T) {
	t.Parallel()
	secret := func(name string) bool {
		return strings.Contains(name, "password") || strings.Contains(name, "token") || strings.Contains(name, "secret")
	}
	var walk func(node *kong.Node)
	walk = func(node *kong.Node) {
		for _, flag := range node.Flags {
			if secret(flag.Name) && !flag.IsBool() && !strings.HasSuffix(flag.Name, "-file") {
				t.Errorf("%s --%s takes a secret", node.FullPath(), flag.Name)
			}
		}
		for _, argument := range node.Positional {
			if secret(argument.Name) {
				t.Errorf("%s %s takes a secret", node.FullPath(), argument.Name)
			}
		}
		for _, child := range node.Children {
			walk(child)
		}
	}
	walk(grammar().Model.Node)
}

// requireShell returns the path of a shell, which CI must have.
func requireShell(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatalf("%s not found: make setup", name)
	}
	if err != nil {
		t.Skipf("%s not found: make setup", name)
	}
	return path
}

// inShell runs a script in a folder with the file a.pem, where chaveiro is in PATH.
func inShell(t *testing.T, shell, script string, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.pem"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), requireShell(t, shell), append(args, "-c", script)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(apptest.Binary(t))+":"+os.Getenv("PATH"), "HOME="+dir)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%s: %v: %s%s", shell, err, out, stderr.String())
	}
	return string(out)
}

// TestCompletion_Bash: bash loads the script and completes commands, values and files by it.
func TestCompletion_Bash(t *testing.T) {
	t.Parallel()
	got := inShell(t, "bash", `
source <(chaveiro completion bash)
complete -p chaveiro
try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _chaveiro; echo "${COMPREPLY[*]}"; }
try chaveiro cl
try chaveiro client revoke --ye
try chaveiro client list --status = v
try chaveiro client key site --out a.
try chaveiro crl ""
`)
	want := "complete -F _chaveiro chaveiro\nclient\n--yes\nvalid\na.pem\nlist show get import\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestCompletion_Zsh: zsh loads the script, both ways, and the function hands the candidates over.
func TestCompletion_Zsh(t *testing.T) {
	t.Parallel()
	got := inShell(t, "zsh", `
autoload -Uz compinit && compinit -u -d ./dump
source <(chaveiro completion zsh)
print -r -- ${_comps[chaveiro]}
_describe() { print -rl -- ${(P)2} }
_files() { print files }
try() { words=("$@"); CURRENT=$#; _chaveiro; }
try chaveiro cr
try chaveiro client list --status v
try chaveiro client key site --out a.
mkdir functions && chaveiro completion zsh >functions/_chaveiro
fpath=($PWD/functions $fpath) && compinit -u -d ./other && unfunction _chaveiro && autoload -Uz _chaveiro
try chaveiro crl g
try chaveiro crl g
`, "-f")
	fetch := "Fetch, look at and take over revocation lists"
	get := "get:Write the current revocation list of a CA in PEM; signs a new one when that is due\n"
	want := "_chaveiro\ncrl:" + fetch + "\nvalid:\nfiles\n" + get + get
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestCompletion_Fish: fish loads the script and completes by it.
func TestCompletion_Fish(t *testing.T) {
	t.Parallel()
	got := inShell(t, "fish", `
chaveiro completion fish | source
complete -C 'chaveiro cr'
complete -C 'chaveiro client list --status v'
complete -C 'chaveiro client key site --out a.'
complete -C 'chaveiro client revoke --ye'
`, "--no-config")
	want := "crl\tFetch, look at and take over revocation lists\nvalid\na.pem\n--yes\tDo not ask\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
