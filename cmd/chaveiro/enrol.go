package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// enrol makes the key of this machine and fetches its profile by a link.
type enrol struct {
	URL      string `arg:"" name:"url" help:"The link: https://…/enrol/…"`
	Dir      string `default:"/etc/openvpn/client" help:"Directory for the profile and the key."`
	Name     string `help:"Name of both files, without their ends (default: the name of the site)."`
	PINStdin bool   `name:"pin-stdin" help:"Read the PIN from the first line of the standard input."`
	NoStart  bool   `help:"Do not start OpenVPN."`
	Plain    bool   `name:"plain-http" help:"Take a link of http://: others can read and change what is sent."`
}

// fileName is what a name of files, and of a unit of systemd, may consist of.
var fileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$`)

// Run enrols this machine. A run that was cut off can be repeated: it goes on with the same key.
func (c enrol) Run(ctx context.Context) error {
	link, err := c.link()
	if err != nil {
		return err
	}
	asked, err := link.look(ctx)
	if err != nil {
		return err
	}
	if c.Name == "" {
		c.Name = asked.Client
	}
	if !fileName.MatchString(c.Name) {
		return misuse("%q is no name for files: use --name", c.Name)
	}
	files := enrolFiles{dir: c.Dir, name: c.Name}
	if err := files.check(); err != nil {
		return err
	}
	if asked.State != "open" && !files.isBegun() {
		return refused("the link is %s: ask for another one", asked.State)
	}
	pin := ""
	if asked.PINRequired {
		if pin, err = c.pin(ctx); err != nil {
			return err
		}
	}
	if err := files.prepare(); err != nil {
		return err
	}
	profile, err := link.claim(ctx, url.Values{
		"pin": {pin}, "token": {files.token}, "csr": {string(files.request)}, "key_file": {files.key()},
		"format": {"openvpn"},
	})
	if err != nil {
		return err
	}
	mapped, err := files.finish(profile)
	if err != nil {
		return err
	}
	fmt.Printf("%s is enrolled: %s, %s\n", asked.Client, files.profile(), files.key())
	if mapped {
		fmt.Printf("The networks of this site are seen as others. Load it now and at every start of the machine: nft -f %s\n",
			files.mapping())
	}
	return c.start(ctx)
}

// link checks the address.
func (c enrol) link() (enrolLink, error) {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || !strings.Contains(u.Path, "/enrol/") || u.RawQuery != "" || u.Fragment != "":
		return enrolLink{}, misuse("this is no link of an enrolment: it has the form https://…/enrol/…")
	case u.Scheme == "https" || u.Scheme == "http" && c.Plain:
		return enrolLink{u.String()}, nil
	}
	return enrolLink{}, misuse("the link is not of https://: --plain-http takes it all the same")
}

func (c enrol) pin(ctx context.Context) (string, error) {
	if c.PINStdin {
		line, err := firstLine(os.Stdin)
		if errors.Is(err, errNoLine) {
			return "", misuse("there is no PIN on the standard input")
		}
		return line, err
	}
	if !hasTerminal() {
		return "", misuse("the link asks for a PIN, and there is no terminal to ask at: use --pin-stdin")
	}
	fmt.Fprint(os.Stderr, "PIN: ")
	return waitFor(ctx, func() (string, error) { return firstLine(os.Stdin) })
}

// start starts the tunnel, now and with the machine.
func (c enrol) start(ctx context.Context) error {
	unit := "openvpn-client@" + c.Name
	systemctl, err := exec.LookPath("systemctl")
	if c.NoStart || err != nil || filepath.Clean(c.Dir) != "/etc/openvpn/client" {
		fmt.Printf("Start it: openvpn --config %s\n", filepath.Join(c.Dir, c.Name+".conf"))
		return nil
	}
	command := exec.CommandContext(ctx, systemctl, "enable", "--now", unit)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	if err := command.Run(); err != nil {
		return errors.Join(fmt.Errorf("%s does not start", unit), err)
	}
	fmt.Println(unit + " is started")
	return nil
}
