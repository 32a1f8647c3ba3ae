package agent

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/openvpn/management"
)

const (
	// calmly is how long after a look the next one comes at the earliest, however many connect.
	calmly = time.Second
	// retry is how long after OpenVPN could not be spoken with it is tried again.
	retry = 5 * time.Second
)

// listen hears from OpenVPN who connects and who leaves, and tells the service, until ctx ends. It
// keeps no connection for longer than that, so that other programs get their turn.
func (i *Instance) listen(ctx context.Context) {
	for ctx.Err() == nil {
		if i.reports.every == 0 || i.Management.Path == "" || i.memory.Unit == "" {
			i.report(ctx)
			_ = pause(ctx, max(calmly, i.reports.next.Sub(i.Now())))
			continue
		}
		c, err := management.Dial(ctx, i.address())
		if err == nil {
			i.health.present()
			began := time.Now()
			i.follow(ctx, c)
			_ = c.Close()
			_ = pause(ctx, calmly-time.Since(began))
			continue
		}
		if absent(err) {
			_ = i.absent(ctx)
		}
		i.report(ctx)
		_ = pause(ctx, retry)
	}
}

// follow looks who is connected at once, and again whenever that has changed or a report is due,
// until ctx ends.
func (i *Instance) follow(ctx context.Context, c *management.Client) {
	if gone(c.Follow(ctx)) != nil {
		return
	}
	for {
		began := time.Now()
		if _, err := i.look(ctx, c); err != nil {
			_ = pause(ctx, calmly)
			return
		}
		i.report(ctx)
		due := time.Now().Add(max(calmly, i.reports.next.Sub(i.Now())))
		if _, err := c.Notice(ctx, due); err != nil || pause(ctx, calmly-time.Since(began)) != nil {
			return
		}
	}
}
