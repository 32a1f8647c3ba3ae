package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/chaveiro/chaveiro/pkg/openvpn/management"
)

// absence is how long nobody listens at the management socket until the agent takes it that
// OpenVPN does not run: it reads everything when it starts. While it is reloaded it does not listen
// for a second or two.
const absence = 10 * time.Second

const (
	alert = 10 * time.Second
	calm  = 5 * time.Second
)

// enforce ends sessions and reloads OpenVPN, if there is something to do.
func (i *Instance) enforce(ctx context.Context) error {
	waiting := i.ending()
	since := i.Now().Sub(i.sessions.looked).Abs()
	due := since >= overview || waiting && since >= i.urgency()
	if !due && i.memory.Reload == Nothing && len(i.memory.Updates) == 0 || i.memory.Unit == "" {
		return nil
	}
	if i.Management.Path == "" {
		if waiting && i.health.mayLog("management", i.Now()) {
			i.Log.WarnContext(ctx, "sessions can't be ended without a management interface", "instance", i.ID)
		}
		return nil
	}
	c, err := management.Dial(ctx, i.address())
	if absent(err) {
		return i.absent(ctx)
	}
	i.health.present()
	if err != nil {
		return fmt.Errorf("instance %d: %w", i.ID, err)
	}
	err = errors.Join(i.end(ctx, c), i.pushUpdates(ctx, c), i.reload(ctx, c))
	return errors.Join(err, c.Close())
}

// ending reports whether there are sessions to end.
func (i *Instance) ending() bool {
	return slices.ContainsFunc(i.memory.Pending, func(p pending) bool { return p.At > 0 })
}

// urgency is how long after the last look the next one is due while sessions are to end: no time at
// first, and later less often, because only a handshake that lasts can bring one then.
func (i *Instance) urgency() time.Duration {
	newest := int64(0)
	for _, p := range i.memory.Pending {
		newest = max(newest, p.At)
	}
	if i.Now().Unix()-newest < int64(alert.Seconds()) {
		return 0
	}
	return calm
}

// address is the management interface of the unit.
func (i *Instance) address() management.Address {
	a := i.Management
	a.Path = strings.ReplaceAll(a.Path, "{unit}", i.memory.Unit)
	return a
}

// absent reports whether nobody listens.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
}

// absent does what there is to do while OpenVPN does not run.
func (i *Instance) absent(ctx context.Context) error {
	i.sessions.gone(i.Now())
	if len(i.memory.Updates) > 0 { // nobody is connected
		if err := i.updated(); err != nil {
			return err
		}
	}
	absent := i.health.absentFor(i.Now())
	if !i.busy() || absent < i.patience {
		return nil
	}
	i.Log.InfoContext(ctx, "OpenVPN does not listen: it reads its files when it starts", "instance", i.ID)
	i.memory.Pending = slices.DeleteFunc(slices.Clone(i.memory.Pending), func(p pending) bool { return p.At > 0 })
	return i.reloaded() // and no session is left
}

func (i *Instance) reloaded() error {
	m := i.memory
	m.Reload = Nothing
	if err := i.dir.remember(m); err != nil {
		return err
	}
	i.memory = m
	return nil
}

// reload lets OpenVPN learn of what has changed, by the mildest means.
func (i *Instance) reload(ctx context.Context, c *management.Client) error {
	if i.memory.Reload == Nothing {
		return nil
	}
	how, err := i.means(ctx, c)
	if err == nil {
		err = i.do(ctx, c, how)
	}
	if err != nil {
		return fmt.Errorf("instance %d: OpenVPN is not reloaded: %w", i.ID, err)
	}
	i.Log.InfoContext(ctx, "OpenVPN is reloaded", "instance", i.ID, "by", how.String())
	return i.reloaded()
}

// means returns what does: OpenVPN keeps its keys in memory from 2.7 on.
func (i *Instance) means(ctx context.Context, c *management.Client) (Reload, error) {
	if i.memory.Reload != Again {
		return i.memory.Reload, nil
	}
	version, err := c.Version(ctx)
	if before27(version) {
		return Again, err
	}
	return Reread, err
}

// before27 reports whether a version is one before OpenVPN 2.7.
func before27(version string) bool {
	return slices.ContainsFunc([]string{"OpenVPN 2.4", "OpenVPN 2.5", "OpenVPN 2.6"}, func(before string) bool {
		return strings.HasPrefix(version, before)
	})
}

func (i *Instance) do(ctx context.Context, c *management.Client, how Reload) error {
	switch how {
	case Again:
		return c.Send(ctx, management.SIGUSR1)
	case Reread:
		return c.Send(ctx, management.SIGHUP)
	}
	return i.restart(ctx)
}

var errRestart = errors.New("it has to be restarted, because it has dropped its privileges, and there is no command for it")

// restartTime is how long the command may take.
const restartTime = time.Minute

func (i *Instance) restart(ctx context.Context) error {
	if len(i.Restart) == 0 {
		return errRestart
	}
	words := make([]string, len(i.Restart))
	for k, word := range i.Restart {
		words[k] = strings.ReplaceAll(word, "{unit}", i.memory.Unit)
	}
	ctx, cancel := context.WithTimeout(ctx, restartTime)
	defer cancel()
	if out, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %.500s", strings.Join(words, " "), err, out)
	}
	return nil
}
