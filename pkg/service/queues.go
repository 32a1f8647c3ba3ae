package service

import "github.com/chaveiro/chaveiro/pkg/turns"

// Queues are the turns for costly work, by what is done in them.
type Queues struct{ list []Queue }

// Queue are the turns for work of one kind.
type Queue struct {
	Name string
	*turns.Turns
}

func (q *Queues) add(name string, one *turns.Turns) *turns.Turns {
	q.list = append(q.list, Queue{name, one})
	return one
}

// All returns the queues. Their names do not change while the process runs.
func (q *Queues) All() []Queue { return q.list }
