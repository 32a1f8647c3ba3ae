package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/service"
	"github.com/chaveiro/chaveiro/pkg/store"
)

const (
	// replicaPatience is after which time without a beat a server counts as gone.
	replicaPatience = 30 * time.Second
	// taskPatience is how much later than due a task may have been done.
	taskPatience = 15 * time.Minute
)

// tasks looks at the servers, and at what they do in the background.
func (e *examination) tasks(ctx context.Context, db *store.Reading) {
	replicas, tasks, err := db.Leases(ctx)
	if err != nil {
		e.fail("tasks", "", "the background tasks can't be read: %v", err)
		return
	}
	var alive []string
	for _, one := range replicas {
		if db.Engine() == store.SQLite || e.now.Sub(one.SeenAt).Abs() < replicaPatience {
			alive = append(alive, fmt.Sprintf("%s (schema %d)", one.Version, one.Schema))
		}
	}
	if len(alive) == 0 {
		e.warn("tasks", "start a server: lists are renewed by it", "no server runs")
		return
	}
	every := service.TaskIntervals()
	var stand []string
	for _, one := range tasks {
		interval, known := every[one.Task]
		if known && !one.DoneAt.IsZero() && e.now.Sub(one.DoneAt) > interval+taskPatience {
			stand = append(stand, fmt.Sprintf("%s since %s", one.Task, one.DoneAt.Format(time.RFC3339)))
		}
	}
	if len(stand) > 0 {
		e.fail("tasks", "see the log of the servers for their failures", "not done: %s", strings.Join(stand, ", "))
		return
	}
	e.good("tasks", "done by %d servers: %s", len(alive), strings.Join(alive, ", "))
}
