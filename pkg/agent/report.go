package agent

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	chaveiro "github.com/chaveiro/chaveiro/gen/sdk/go"
	"github.com/chaveiro/chaveiro/pkg/openvpn/management"
)

const (
	// wholeReport is how often all sessions are told, with their octets. In between only those are
	// that have begun or ended.
	wholeReport = 5 * time.Minute
	// fresh is how old a look at the sessions may be to be told as the present.
	fresh = 2 * time.Second
	// unheard is how long nothing is told to a service that does not take reports: it is older, or
	// the apikey may not.
	unheard = 10 * time.Minute
	// mostSessions is how many the service takes in one report.
	mostSessions = 1000
)

// reports is what the service was told.
type reports struct {
	every   time.Duration // 0: nothing is told
	version string
	mark    string                            // of the last answer
	known   map[sessionKey]management.Session // what the service has
	whole   time.Time                         // when all of it was last told
	next    time.Time                         // when the next report is due
	failed  bool                              // the last one was not taken: no other before it is due
}

// report tells the service what is new, if something is or it is time. A failure is logged: the
// gateway works without.
func (i *Instance) report(ctx context.Context) {
	now := i.Now()
	if i.reports.every == 0 || i.memory.Unit == "" || now.Before(i.reports.next) && !i.moved(now) {
		return
	}
	var refused *chaveiro.StatusError
	err := i.tell(ctx, now)
	if err == nil && i.reports.mark == "" && i.state(now).Looked {
		err = i.tell(ctx, now) // the service does not know what the report differs from
	}
	i.reports.failed = err != nil
	switch every := i.reports.every; {
	case err == nil:
		i.reports.next = now.Add(every - rand.N(every/10+1))
	case errors.As(err, &refused) && (refused.Status == 403 || refused.Status == 404):
		i.reports.next, i.reports.mark = now.Add(unheard), ""
	default:
		i.reports.next = now.Add(min(every, longestPause))
	}
	if err != nil && ctx.Err() == nil && i.health.mayLog("report", now) {
		i.Log.WarnContext(ctx, "the service is not told who is connected", "instance", i.ID, "error", err)
	}
}

// sees reports whether the sessions were seen just now.
func (i *Instance) sees(now time.Time) bool {
	return !i.sessions.listed.IsZero() && now.Sub(i.sessions.listed).Abs() <= fresh
}

// moved reports whether a session has begun or ended that the service does not know of. A service
// that does not take reports is not asked again before it is time.
func (i *Instance) moved(now time.Time) bool {
	if i.reports.mark == "" || i.reports.failed || !i.sees(now) {
		return false
	}
	begun, ended := i.news()
	return len(begun)+len(ended) > 0
}

// tell sends one report.
func (i *Instance) tell(ctx context.Context, now time.Time) error {
	r := i.state(now)
	if !r.Looked {
		_, err := i.Source.Report(ctx, i.ID, r)
		return err
	}
	begun, ended := i.news()
	late := now.Sub(i.reports.whole).Abs() >= wholeReport
	if i.reports.mark == "" || late || max(len(begun), len(ended)) > mostSessions {
		return i.tellAll(ctx, r)
	}
	r.Sessions, r.Ended = chaveiro.Set(i.convert(begun)), chaveiro.Set(i.convert(ended))
	return i.send(ctx, r)
}

// send sends a report of what is new since the last one.
func (i *Instance) send(ctx context.Context, r chaveiro.AgentReport) error {
	r.Base = chaveiro.Set(i.reports.mark)
	mark, err := i.Source.Report(ctx, i.ID, r)
	if err != nil {
		return err
	}
	if i.reports.mark = mark; mark == "" {
		return nil
	}
	i.reports.known = map[sessionKey]management.Session{}
	for _, s := range i.told() {
		i.reports.known[keyOf(s)] = s
	}
	return nil
}

// tellAll tells all sessions, in as many reports as it takes.
func (i *Instance) tellAll(ctx context.Context, r chaveiro.AgentReport) error {
	list := i.told()
	slices.SortFunc(list, func(a, b management.Session) int { return cmp.Compare(a.ID, b.ID) })
	i.reports.mark, i.reports.whole = "", r.At
	for first := true; first || len(list) > 0 && i.reports.mark != ""; first = false {
		part := list[:min(len(list), mostSessions)]
		list = list[len(part):]
		r.Sessions, r.Upto = chaveiro.Set(i.convert(part)), chaveiro.Optional[int64]{}
		if len(list) > 0 {
			r.Upto = chaveiro.Set(part[len(part)-1].ID)
		}
		if err := i.send(ctx, r); err != nil {
			i.reports.mark = "" // the service may have some of them
			return err
		}
		if len(part) > 0 {
			r.After = chaveiro.Set(part[len(part)-1].ID)
		}
	}
	return nil
}

// state is a report without sessions.
func (i *Instance) state(now time.Time) chaveiro.AgentReport {
	r := chaveiro.AgentReport{
		Version: i.reports.version, Interval: int(i.reports.every / time.Second), At: now,
		Up: i.sessions.version != "" && !i.health.snapshot().absent, OpenVPN: chaveiro.Set(i.sessions.version),
		Tag: chaveiro.Set(i.memory.Tag), Failures: chaveiro.Set(i.failures),
		Pending: chaveiro.Set(len(i.memory.Pending)), Looked: i.sees(now),
	}
	if i.memory.Reload != Nothing {
		r.Reload = chaveiro.Set(i.memory.Reload.String())
	}
	var lists []chaveiro.AgentList
	for issuer, l := range i.memory.Lists {
		lists = append(lists, chaveiro.AgentList{Issuer: issuer, Number: l.Number})
	}
	r.Lists = chaveiro.Set(lists)
	return r
}

// told are the sessions that the service is told: those that are established.
func (i *Instance) told() []management.Session {
	return slices.DeleteFunc(slices.Clone(i.sessions.list), func(s management.Session) bool {
		return s.Address == "" && s.Address6 == ""
	})
}

// news are the sessions that have begun or have another address, and those that are gone, since the
// last report.
func (i *Instance) news() (begun, ended []management.Session) {
	present := map[sessionKey]bool{}
	for _, s := range i.told() {
		present[keyOf(s)] = true
		known, has := i.reports.known[keyOf(s)]
		if !has || known.Real != s.Real || known.Address != s.Address || known.Address6 != s.Address6 {
			begun = append(begun, s)
		} else {
			i.reports.known[keyOf(s)] = s // with its octets
		}
	}
	for key, s := range i.reports.known {
		if !present[key] {
			ended = append(ended, s)
		}
	}
	return begun, ended
}

func (i *Instance) convert(list []management.Session) []chaveiro.AgentSession {
	out := make([]chaveiro.AgentSession, len(list))
	for k, s := range list {
		name := i.sessions.name(s)
		if name == "" {
			name = s.Name
		}
		out[k] = chaveiro.AgentSession{
			Number: s.ID, Since: s.Since.Unix(), Name: name, BytesIn: s.BytesIn, BytesOut: s.BytesOut,
			Address: chaveiro.Set(s.Address), AddressV6: chaveiro.Set(s.Address6), Cipher: chaveiro.Set(s.Cipher),
		}
		if from := s.From(); from.IsValid() {
			out[k].RealAddress = chaveiro.Set(from.String())
		}
	}
	return out
}
