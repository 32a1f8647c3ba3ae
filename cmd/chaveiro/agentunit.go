package main

import (
	_ "embed"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
)

//go:embed agent.service.tmpl
var unitTemplate string

type agentUnit struct{ agentService }

// Run prints the unit. Paths in it are those that the agent needs; it can read, and write, little
// else.
func (c *agentUnit) Run() error {
	places, err := c.places()
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	values := struct {
		Command string
		Dirs    []string
	}{Command: unitCommand(program, c.args())}
	for _, one := range places {
		values.Dirs = append(values.Dirs, one.dir)
	}
	return template.Must(template.New("unit").Parse(unitTemplate)).Execute(os.Stdout, values)
}

// args are the flags that were given, as absolute paths.
func (c *agentUnit) args() []string {
	list := []string{"agent", "run", "--server", c.Server, "--apikey-file", absolute(c.TokenFile)}
	for _, text := range c.Instance {
		list = append(list, "--instance", text)
	}
	for flag, value := range map[string]string{
		"--ca-file": absolute(c.CAFile), "--management": c.Management, "--group": c.Group, "--metrics": c.Metrics,
		"--management-key-file": absolute(c.Password), "--restart-command": c.Restart,
		"--interval": c.Interval.String(),
	} {
		if value != "" {
			list = append(list, flag+"="+value)
		}
	}
	if c.Plain {
		list = append(list, "--plain-http")
	}
	if c.Serials {
		list = append(list, "--crl-dir")
	}
	slices.Sort(list[slices.IndexFunc(list, func(s string) bool { return s == "--instance" })+2*len(c.Instance):])
	return list
}

func absolute(path string) string {
	if full, err := filepath.Abs(path); path != "" && err == nil {
		return full
	}
	return path
}

// unitCommand writes a command line as systemd reads it (systemd.service(5), "Command lines").
func unitCommand(program string, args []string) string {
	quoted := []string{}
	for _, arg := range append([]string{program}, args...) {
		arg = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`, `$`, `$$`).Replace(arg)
		if strings.ContainsAny(arg, " '\"") {
			arg = `"` + arg + `"`
		}
		quoted = append(quoted, arg)
	}
	return strings.Join(quoted, " ")
}
