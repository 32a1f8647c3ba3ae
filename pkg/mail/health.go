package mail

// The kinds of failures, as metrics name them.
const (
	failedServer  = iota // the server could not be reached, or its security or authentication has failed
	failedLater          // the server has put a letter off
	failedAddress        // the server refuses the address, or the letter, for good
)

var failureKinds = [...]string{"server", "deferred", "refused"}

// Health is what this process knows about the mail.
type Health struct {
	Sent    int64            // letters since it has started
	Failed  map[string]int64 // attempts since then, by kind
	Waiting int64            // recipients for whom something waits; 0 where another replica sends
	Leads   bool             // this replica sends
}

// Health returns it from memory.
func (p *Post) Health() Health {
	h := Health{
		Sent: p.sent.Load(), Failed: make(map[string]int64, len(failureKinds)), Waiting: p.waiting.Load(),
		Leads: p.isLeading.Load(),
	}
	for i, kind := range failureKinds {
		h.Failed[kind] = p.failed[i].Load()
	}
	return h
}
