package app

import "github.com/prometheus/client_golang/prometheus"

var (
	taskHolder = gaugeOf(
		"chaveiro_task_holder", "1 where this server is the one of all replicas that does a background task.", "task",
	)
	taskDone = gaugeOf(
		"chaveiro_task_done_timestamp_seconds", "When this server has last done a background task without a fault.", "task",
	)
	taskFailing = gaugeOf(
		"chaveiro_task_failing", "1 where this server does a background task and the last time has failed.", "task",
	)
)

// collectTasks tells of the background tasks of this process. A task that another server does has
// no time here.
func (s *Server) collectTasks(to chan<- prometheus.Metric) {
	for _, one := range s.Services.Tasks.Status() {
		if !one.Everywhere {
			taskHolder.add(to, truth(one.Held), one.Name)
		}
		taskFailing.add(to, truth(one.Failing), one.Name)
		if one.Held {
			taskDone.addTime(to, one.DoneAt, one.Name)
		}
	}
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
