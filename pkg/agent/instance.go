package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"syscall"
	"time"

	"github.com/chaveiro/chaveiro/pkg/openvpn/management"
)

// Place is an instance on this machine.
type Place struct {
	ID  int64
	Dir string // where its files are
	// Management is the socket of the management interface, or host and port; {unit} in it is the
	// name of the instance's unit. Empty: sessions are not ended, and nothing is reloaded.
	Management management.Address
	// Restart is the command that restarts OpenVPN where it can't read its files again, with {unit}
	// as in Management. Empty: the log says that it is needed.
	Restart []string
	GID     int // the group that may read the keys; -1: none
	// Serials says that the revoked serials are also kept as files, for "crl-verify crl dir".
	Serials bool
}

// wholeLook is how often the agent looks at everything again, whether or not something has changed:
// what was altered on this machine is mended, and a site whose certificate has ended is taken out.
const wholeLook = 10 * time.Minute

// Instance keeps one instance current.
type Instance struct {
	Place
	Source Source
	Now    func() time.Time
	Log    *slog.Logger

	dir      *directory
	memory   memory
	looked   time.Time // when it last looked at everything
	sessions sessions
	reports  reports
	patience time.Duration // see absence
	failures int           // to get the state, one after the other
	refused  bool          // nobody listened where the service is
	same     bool          // the service has just confirmed the tag
	health   health
}

// Open prepares the directory. The caller closes the instance.
func (i *Instance) Open() (err error) {
	if i.dir, err = openDirectory(i.Dir, i.GID); err != nil {
		return err
	}
	if i.memory, err = i.dir.recall(i.ID); err != nil {
		return errors.Join(err, i.dir.Close())
	}
	i.patience = absence
	i.health.set(i.memory)
	return nil
}

// Close closes the directory.
func (i *Instance) Close() error { return i.dir.Close() }

// Step brings the instance up to date once. What is left to do when it fails is done by the next
// step.
func (i *Instance) Step(ctx context.Context) error {
	fetched := i.fetch(ctx)
	i.warn(ctx)
	err := errors.Join(fetched, i.enforce(ctx))
	i.report(ctx)
	i.failures++
	if fetched == nil {
		i.failures = 0
	}
	i.refused = errors.Is(fetched, syscall.ECONNREFUSED)
	i.health.connected(len(i.sessions.names), i.sessions.ended)
	i.health.stepped(i.memory, i.Now(), err)
	return err
}

// fetch asks the service, and puts what it says into place.
func (i *Instance) fetch(ctx context.Context) error {
	question := Question{Tag: i.memory.Tag, Cursor: i.memory.Cursor}
	whole := i.looked.IsZero() || i.Now().Sub(i.looked).Abs() >= wholeLook
	if whole {
		question.Tag = ""
	}
	same := i.same
	i.same = false
	if same && !whole {
		return i.confirm(false)
	}
	p, m, err := i.ask(ctx, question)
	if err != nil {
		return err
	}
	if p != nil {
		if err := i.apply(ctx, p, m); err != nil {
			return fmt.Errorf("instance %d: %w", i.ID, err)
		}
	}
	if whole {
		i.looked = i.Now()
	}
	return i.confirm(p != nil)
}

// ask returns the plan for the state of the service, and the memory once it is in place; nil when
// nothing has changed. The keys are asked for only when they are needed, because that is recorded
// in the audit.
func (i *Instance) ask(ctx context.Context, q Question) (*plan, memory, error) {
	m := i.memory
	tag, state, err := i.Source.Fetch(ctx, i.ID, q)
	if err != nil || state == nil {
		return nil, m, err
	}
	p, err := i.dir.planOf(m, state)
	if err == nil && (len(p.missing) > 0 || state.KeyTag != m.KeyTag) {
		q.Tag, q.Keys = "", true
		if tag, state, err = i.Source.Fetch(ctx, i.ID, q); err != nil || state == nil {
			return nil, m, err
		}
		p, err = i.dir.planOf(m, state)
	}
	if err == nil && len(p.missing) > 0 {
		err = fmt.Errorf("the service does not send %s", strings.Join(p.missing, ", "))
	}
	if err == nil {
		err = admit(p.lists, m.Lists, i.Now())
	}
	if err != nil {
		return nil, m, fmt.Errorf("instance %d: the state is not taken over: %w", i.ID, err)
	}
	m.Unit, m.Tag, m.Cursor, m.KeyTag, m.ReloadedAt = state.Unit, tag, state.Cursor, state.KeyTag, state.ReloadedAt
	m.Lists = remembered(p.lists)
	return p, m, nil
}

// apply puts a plan into place. What follows from it is on disk before the first file changes, and
// that it is in place after the last one: a run in between is done again as a whole.
func (i *Instance) apply(ctx context.Context, p *plan, m memory) error {
	before := i.memory
	for _, one := range p.end {
		before.add(one)
	}
	before.Reload = max(before.Reload, p.reload)
	before.addUpdates(p.updates)
	if len(p.end)+len(p.updates) > 0 || before.Reload != i.memory.Reload {
		if err := i.dir.remember(before); err != nil {
			return err
		}
		i.memory = before
	}
	if err := i.write(p); err != nil {
		return err
	}
	m.Pending, m.Reload, m.ConfirmedAt = i.memory.Pending, i.memory.Reload, i.Now()
	m.Updates = i.memory.Updates
	m.placed(i.Now())
	if err := i.dir.remember(m); err != nil {
		return err
	}
	i.memory = m
	if len(p.write)+len(p.remove)+len(p.end) > 0 {
		i.Log.InfoContext(
			ctx, "in place", "instance", i.ID, "files", len(p.write), "removed", len(p.remove), "sessions_to_end",
			len(p.end), "reload", p.reload.String(),
		)
	}
	return nil
}

func (i *Instance) write(p *plan) error {
	if !i.Serials {
		return i.writeFiles(p)
	}
	revoked := serialFiles(p.lists)
	if err := i.dir.addSerials(revoked); err != nil {
		return err
	}
	if err := i.writeFiles(p); err != nil {
		return err
	}
	return i.dir.dropSerials(revoked)
}

func (i *Instance) writeFiles(p *plan) error {
	for _, f := range p.write {
		var at time.Time
		if f.name == nameCRL {
			var err error
			if at, err = i.dir.nextTime(f.name, i.Now()); err != nil {
				return err
			}
		}
		if err := i.dir.put(f, at); err != nil {
			return err
		}
	}
	for _, name := range p.remove {
		if err := i.dir.remove(name); err != nil {
			return err
		}
	}
	return nil
}

// confirmEvery is how often it is written down that the service has confirmed the state.
const confirmEvery = time.Minute

func (i *Instance) confirm(written bool) error {
	now := i.Now()
	i.health.confirmed(now)
	if written || now.Sub(i.memory.ConfirmedAt).Abs() < confirmEvery {
		return nil
	}
	m := i.memory
	m.ConfirmedAt = now
	if err := i.dir.remember(m); err != nil {
		return err
	}
	i.memory = m
	return nil
}

// warn logs, once a minute, what ends soon.
func (i *Instance) warn(ctx context.Context) {
	now := i.Now()
	for _, l := range i.memory.Lists {
		urgency := l.urgency(now)
		if urgency == Calm || !i.health.mayLog(fmt.Sprint(l.CA, " ", urgency), now) {
			continue
		}
		level := slog.LevelError
		if urgency == Soon {
			level = slog.LevelWarn
		}
		i.Log.Log(
			ctx, level, "a revocation list ends soon, and OpenVPN refuses everybody then", "instance", i.ID, "ca", l.CA,
			"ends", l.NextUpdate, "seconds_left", int(l.NextUpdate.Sub(now).Seconds()),
		)
	}
}
