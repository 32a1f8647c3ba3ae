package kits

import (
	"regexp"
	"strings"
	"testing"
)

// uciCommand is a line of uci batch.
type uciCommand struct{ verb, key, value string }

var (
	uciLine = regexp.MustCompile(`^(set|add_list) ([a-z0-9_]+(?:\.[a-z0-9_]+){1,2})='([^']*)'$`)
	uciEnd  = regexp.MustCompile(`^commit [a-z]+$`)
)

// parseUCI reads what a script gives to uci batch. The shell changes nothing of it, because the
// word that ends it is quoted.
func parseUCI(t testing.TB, script []byte) []uciCommand {
	t.Helper()
	_, rest, begins := strings.Cut(string(script), "uci batch <<'END'\n")
	batch, _, ends := strings.Cut(rest, "\nEND\n")
	if !begins || !ends {
		t.Fatal("there is no batch")
	}
	var commands []uciCommand
	for _, line := range strings.Split(batch, "\n") {
		if words := uciLine.FindStringSubmatch(line); words != nil {
			commands = append(commands, uciCommand{words[1], words[2], words[3]})
		} else if !uciEnd.MatchString(line) {
			t.Errorf("no command of uci: %q", line)
		}
	}
	return commands
}

var vyosLine = regexp.MustCompile(`^set((?: [A-Za-z0-9_-]+)+)(?: '([^']*)')?$`)

// parseVyOS reads the set commands of a script. Between single quotes the shell changes nothing.
func parseVyOS(t testing.TB, script []byte) [][]string {
	t.Helper()
	var commands [][]string
	for line := range strings.Lines(string(script)) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasPrefix(line, "set ") {
			continue
		}
		words := vyosLine.FindStringSubmatch(line)
		if words == nil {
			t.Errorf("no command of VyOS: %q", line)
			continue
		}
		commands = append(commands, append(strings.Fields(words[1]), words[2]))
	}
	return commands
}
