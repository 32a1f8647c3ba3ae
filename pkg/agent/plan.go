package agent

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	chaveiro "github.com/chaveiro/chaveiro/gen/sdk/go"
)

// plan is what a new state changes.
type plan struct {
	write   []file
	remove  []string // files that the server has no more
	end     []pending
	reload  Reload
	updates []update
	lists   []list
	missing []string // keys that are neither here nor in the state
}

// planOf compares a state with the directory and with what the agent remembers.
func (d *directory) planOf(m memory, state *chaveiro.AgentState) (*plan, error) {
	p := &plan{}
	files := map[string]file{}
	for _, f := range state.Files {
		if !good(f.Name) {
			return nil, fmt.Errorf("the service sends a file %q, which no server has", f.Name)
		}
		files[f.Name] = file{f.Name, []byte(f.Content), f.Mode == "0600"}
	}
	var err error
	if p.lists, err = readLists(files[nameCRL].content, files[nameCA].content, m.Lists); err != nil {
		return nil, err
	}
	if err := p.compare(d, files); err != nil {
		return nil, err
	}
	if err := p.drop(d, files); err != nil {
		return nil, err
	}
	if err := p.lack(d, files); err != nil {
		return nil, err
	}
	p.revoke(m, state)
	p.kill(state)
	if state.ReloadedAt != nil && (m.ReloadedAt == nil || m.ReloadedAt.Before(*state.ReloadedAt)) && m.Tag != "" {
		p.reload = max(p.reload, Reread)
	}
	return p, nil
}

// order is that in which files are replaced: first those that take rights away, and the
// configuration last.
func order(f file) int {
	switch {
	case f.name == nameCA: // the lists are checked with it
		return 0
	case f.name == nameCRL:
		return 1
	case strings.HasPrefix(f.name, dirSites+"/"):
		return 2
	case f.name == nameConfig:
		return 4
	}
	return 3
}

// compare finds the files that differ.
func (p *plan) compare(d *directory, files map[string]file) error {
	config := string(files[nameConfig].content)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f := files[name]
		before, err := d.read(name)
		if err != nil {
			return err
		}
		if before != nil && bytes.Equal(before, f.content) {
			continue
		}
		p.write = append(p.write, f)
		if site, ok := strings.CutPrefix(name, dirSites+"/"); ok && before != nil {
			p.change(site, before, f.content, []byte(config))
		}
		if name != nameConfig || before == nil || !fewerRoutes(before, f.content) {
			p.reload = max(p.reload, reloadFor(name, config))
		}
	}
	slices.SortStableFunc(p.write, func(a, b file) int { return order(a) - order(b) })
	return nil
}

// change finds what follows from another file of a site.
func (p *plan) change(site string, before, after, config []byte) {
	if moved(before, after) {
		p.end = append(p.end, pending{Name: site, Reason: "another address"})
		return
	}
	if kinds := changedKinds(pushed(config, before), pushed(config, after)); len(kinds) > 0 {
		p.updates = append(p.updates, update{site, kinds})
	}
}

// drop finds the files that the server has no more: those of sites, of CAs, and the earlier key of
// the control channel. The state names a key only when it was asked for, its configuration always.
func (p *plan) drop(d *directory, files map[string]file) error {
	sites, err1 := d.names(dirSites)
	cas, err2 := d.names(dirOCSP)
	earlier, err3 := d.read(nameEarlier)
	for _, name := range slices.Concat(sites, cas) {
		if _, stays := files[name]; stays {
			continue
		}
		p.remove = append(p.remove, name)
		if site, ok := strings.CutPrefix(name, dirSites+"/"); ok {
			p.end = append(p.end, pending{Name: site, Reason: "no config any more"})
		}
	}
	if earlier != nil && !bytes.Contains(files[nameConfig].content, []byte(nameEarlier)) {
		p.remove = append(p.remove, nameEarlier)
	}
	return errors.Join(err1, err2, err3)
}

// lack finds the keys that are needed and not there.
func (p *plan) lack(d *directory, files map[string]file) error {
	names := []string{nameKey}
	for _, control := range []string{nameControl, nameEarlier} {
		if bytes.Contains(files[nameConfig].content, []byte(control)) {
			names = append(names, control)
		}
	}
	for _, name := range names {
		if _, sent := files[name]; sent {
			continue
		}
		content, err := d.read(name)
		if err != nil {
			return err
		}
		if content == nil {
			p.missing = append(p.missing, name)
		}
	}
	return nil
}

// revoke adds those whose certificates were revoked. Where the service does not know all of them,
// every session that was there before the list may be one.
func (p *plan) revoke(m memory, state *chaveiro.AgentState) {
	if !state.Complete {
		p.end = append(p.end, pending{Name: everyone, Reason: "revocations that are not known one by one"})
		return
	}
	for _, r := range state.Revoked {
		one := pending{Name: everyone, Reason: "revoked serial " + r.Serial + ", whose name is not known"}
		if r.Name != nil {
			one = pending{Name: *r.Name, Reason: r.Reason}
		}
		p.end = append(p.end, one)
	}
}

// kill adds the sessions that somebody asked to end.
func (p *plan) kill(state *chaveiro.AgentState) {
	for _, one := range state.Kill {
		p.end = append(p.end, pending{
			Name: one.Name, Reason: "asked for", Session: &oneSession{Number: one.Number, Since: one.Since},
		})
	}
}

// moved reports whether a site that is connected has to connect anew: its addresses or networks
// have changed, or it is disabled.
func moved(before, after []byte) bool { return !slices.Equal(placing(before), placing(after)) }

func placing(text []byte) (lines []string) {
	for line := range strings.Lines(string(text)) {
		switch word, _, _ := strings.Cut(strings.TrimSpace(line), " "); word {
		case "ifconfig-push", "ifconfig-ipv6-push", "iroute", "iroute-ipv6", "disable":
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	slices.Sort(lines)
	return lines
}
