package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chaveiro/chaveiro/pkg/openvpn/management"
)

const (
	// handshake is how long a handshake can take (OpenVPN's hand-window). One that began before the
	// files were in place may still end as the earlier files say.
	handshake = 60 * time.Second
	// obedience is how long a peer has to connect anew by itself before its session is ended on the
	// server. OpenVPN itself would wait five seconds.
	obedience = 250 * time.Millisecond
	// overview is how often the agent looks who is connected when there is nothing to do. It learns
	// the names of sessions then, which OpenVPN forgets when a renegotiation fails.
	overview = 30 * time.Second
)

// sessions is what an agent has seen of those who are connected.
type sessions struct {
	names  map[sessionKey]string
	looked time.Time
	ended  int // since the program began
	// list is who is connected, as of the time listed; before the first look that is zero.
	list    []management.Session
	listed  time.Time
	version string // of OpenVPN; empty: not known
}

// sessionKey is a session: OpenVPN counts from 0 again when it is restarted.
type sessionKey struct {
	id    int64
	since int64
}

func keyOf(s management.Session) sessionKey { return sessionKey{s.ID, s.Since.Unix()} }

// learn remembers the names of the sessions, and forgets those that are gone.
func (k *sessions) learn(list []management.Session, now time.Time) {
	names := map[sessionKey]string{}
	for _, s := range list {
		name := s.Name
		if name == management.Undefined {
			name = k.names[keyOf(s)]
		}
		if name != "" {
			names[keyOf(s)] = name
		}
	}
	k.names, k.looked = names, now
	k.list, k.listed = list, now
}

// gone notes that OpenVPN does not run any more: it was there, and nobody listens now. Where it was
// never there, it may run without the socket.
func (k *sessions) gone(now time.Time) {
	if k.looked = now; k.version != "" {
		k.list, k.listed = nil, now
	}
}

// name returns the name of a session; empty where it is not known.
func (k *sessions) name(s management.Session) string { return k.names[keyOf(s)] }

// ends returns why a session has to end; nil when it may stay. One that nobody knows the name of
// any more, because its peer has failed to renegotiate, may be anybody's.
func (k *sessions) ends(s management.Session, list []pending) *pending {
	name := k.name(s)
	var why *pending
	for i, p := range list {
		switch {
		case p.Session != nil:
			if *p.Session == (oneSession{s.ID, s.Since.Unix()}) && p.At > 0 {
				return &list[i]
			}
		case p.At == 0 || s.Since.Unix() > p.At:
		case p.Name == name:
			return &list[i]
		case p.Name == everyone || name == "" && s.Established():
			why = &list[i]
		}
	}
	return why
}

// end ends the sessions that have to end, and forgets what is settled.
func (i *Instance) end(ctx context.Context, c *management.Client) error {
	list, err := i.look(ctx, c)
	if err != nil {
		return err
	}
	targets := i.targets(list)
	if len(targets) > 0 {
		if list, err = i.endAll(ctx, c, targets); err != nil {
			return err
		}
	}
	return i.settle(list)
}

func (i *Instance) look(ctx context.Context, c *management.Client) ([]management.Session, error) {
	list, err := c.Status(ctx)
	if err == nil {
		i.sessions.learn(list, i.Now())
	}
	if err == nil && i.sessions.version == "" {
		i.sessions.version, err = c.Version(ctx)
	}
	return list, err
}

func (i *Instance) targets(list []management.Session) (targets []management.Session) {
	for _, s := range list {
		if i.sessions.ends(s, i.memory.Pending) != nil {
			targets = append(targets, s)
		}
	}
	return targets
}

// endAll tells the peers first, so that one that may connect again does so at once; then it ends
// what is left on the server. It returns the sessions that are there then.
func (i *Instance) endAll(
	ctx context.Context, c *management.Client, targets []management.Session,
) ([]management.Session, error) {
	for _, s := range targets {
		if err := gone(c.Restart(ctx, s)); err != nil {
			return nil, err
		}
		i.sessions.ended++
		i.Log.InfoContext(
			ctx, "session ended", "instance", i.ID, "name", i.sessions.name(s), "client_id", s.ID, "address", s.Real,
			"since", s.Since, "reason", i.sessions.ends(s, i.memory.Pending).Reason,
		)
	}
	if err := pause(ctx, obedience); err != nil {
		return nil, err
	}
	list, err := i.look(ctx, c)
	if err != nil {
		return nil, err
	}
	left := i.targets(list)
	for _, s := range left {
		if err := i.endOne(ctx, c, s, list); err != nil {
			return nil, err
		}
	}
	if len(left) == 0 {
		return list, nil
	}
	return i.look(ctx, c)
}

// endOne ends a session on the server. By its address that works for IPv4 only; by its name only
// where no other session of the name is to stay. Otherwise OpenVPN ends it after five seconds.
func (i *Instance) endOne(
	ctx context.Context, c *management.Client, s management.Session, list []management.Session,
) error {
	err := gone(c.End(ctx, s))
	if err == nil || ctx.Err() != nil {
		return err
	}
	stays := func(other management.Session) bool {
		return other.Name == s.Name && i.sessions.ends(other, i.memory.Pending) == nil
	}
	if s.Name == management.Undefined || slices.ContainsFunc(list, stays) {
		return nil
	}
	return gone(c.EndName(ctx, s.Name))
}

// gone is nil when OpenVPN says that there is no such session: it has ended by itself.
func gone(err error) error {
	if _, ok := errors.AsType[*management.CommandError](err); ok {
		return nil
	}
	return err
}

// settle forgets what no session can be left of.
func (i *Instance) settle(list []management.Session) error {
	now := i.Now()
	left := slices.DeleteFunc(slices.Clone(i.memory.Pending), func(p pending) bool {
		over := p.At > 0 && (p.Session != nil || now.Unix() > p.At+int64(handshake.Seconds()))
		return over && !slices.ContainsFunc(list, func(s management.Session) bool {
			return i.sessions.ends(s, []pending{p}) != nil
		})
	})
	if len(left) == len(i.memory.Pending) {
		return nil
	}
	m := i.memory
	m.Pending = left
	if err := i.dir.remember(m); err != nil {
		return fmt.Errorf("instance %d: %w", i.ID, err)
	}
	i.memory = m
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
