package agent

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/openvpn/management"
)

// updatable are the kinds of options that OpenVPN 2.7 can change while a peer is connected, and
// that the configuration of a site may have.
var updatable = []string{"block-ipv6", "block-outside-dns", "dhcp-option", "dns", "redirect-gateway", "route", "route-ipv6"}

// update is a site to which other options are pushed. It is on disk before its file is; the options
// are then read from the files in place.
type update struct {
	Name  string   `json:"name"`
	Kinds []string `json:"kinds"` // of options that have changed
}

// pushed are the options that a server pushes to a site: those of its configuration, as the file of
// the site changes them. Source: openvpn(8), push-reset and push-remove.
func pushed(config, site []byte) (options []string) {
	for line := range strings.Lines(string(config) + "\n" + string(site)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		option := strings.Trim(strings.TrimSpace(rest), `"`)
		switch word {
		case "push":
			options = append(options, option)
		case "push-reset":
			options = nil
		case "push-remove":
			options = slices.DeleteFunc(options, func(one string) bool { return strings.HasPrefix(one, option) })
		}
	}
	return options
}

// ofKind are the options of one kind.
func ofKind(options []string, kind string) (some []string) {
	for _, option := range options {
		if word, _, _ := strings.Cut(option, " "); word == kind {
			some = append(some, option)
		}
	}
	return some
}

// changedKinds are the kinds of options that differ, and can be changed while a peer is connected.
func changedKinds(before, after []string) (kinds []string) {
	for _, kind := range updatable {
		if !slices.Equal(ofKind(before, kind), ofKind(after, kind)) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// message is what a peer is told: all options of these kinds, or that there is none.
func message(options, kinds []string) (all []string) {
	for _, kind := range kinds {
		some := ofKind(options, kind)
		if len(some) == 0 {
			some = []string{"-" + kind}
		}
		all = append(all, some...)
	}
	return all
}

// addUpdates notes that options are to be pushed.
func (m *memory) addUpdates(list []update) {
	m.Updates = slices.Clone(m.Updates)
	for _, one := range list {
		same := func(other update) bool { return other.Name == one.Name }
		if k := slices.IndexFunc(m.Updates, same); k >= 0 {
			kinds := append(slices.Clone(m.Updates[k].Kinds), one.Kinds...)
			slices.Sort(kinds)
			m.Updates[k].Kinds = slices.Compact(kinds)
			continue
		}
		m.Updates = append(m.Updates, one)
	}
}

// pushUpdates pushes changed options to the sites that are connected, where OpenVPN can do that.
// The others get them when they connect anew.
func (i *Instance) pushUpdates(ctx context.Context, c *management.Client) error {
	if len(i.memory.Updates) == 0 {
		return nil
	}
	version, err := c.Version(ctx)
	if err != nil {
		return err
	}
	if !before27(version) && i.memory.Reload == Nothing { // otherwise all connect anew
		if err := i.pushAll(ctx, c); err != nil {
			return err
		}
	}
	return i.updated()
}

func (i *Instance) updated() error {
	m := i.memory
	m.Updates = nil
	if err := i.dir.remember(m); err != nil {
		return err
	}
	i.memory = m
	return nil
}

func (i *Instance) pushAll(ctx context.Context, c *management.Client) error {
	sessions, err := i.look(ctx, c)
	if err != nil {
		return err
	}
	config, err := i.dir.read(nameConfig)
	if err != nil {
		return err
	}
	for _, one := range i.memory.Updates {
		site, err := i.dir.read(dirSites + "/" + one.Name)
		if err != nil {
			return err
		}
		options := message(pushed(config, site), one.Kinds)
		for _, s := range sessions {
			if i.sessions.name(s) != one.Name {
				continue
			}
			if err := i.push(ctx, c, s, options); err != nil {
				return err
			}
		}
	}
	return nil
}

func (i *Instance) push(ctx context.Context, c *management.Client, s management.Session, options []string) error {
	err := c.Update(ctx, s, options)
	_, refused := errors.AsType[*management.CommandError](err)
	if err != nil && !refused && !errors.Is(err, management.ErrUpdate) {
		return err
	}
	if err == nil {
		i.Log.InfoContext(ctx, "options pushed", "instance", i.ID, "name", s.Name, "client_id", s.ID, "options", options)
		return nil
	}
	i.Log.InfoContext(
		ctx, "other options wait until the site connects anew", "instance", i.ID, "name", s.Name, "reason", err,
	)
	return nil
}
