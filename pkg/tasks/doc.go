// Package tasks does the work in the background of all servers on one database: each task on one
// of them at a time, which has its lease, or on every one where the task is of that process. It
// imports domain.
//
// What is not obvious: no clocks are compared. A server takes a lease when it has seen the beat of
// its holder stand still for 10 s of its own monotonic clock. The holder that could not move its
// beat for 8 s stops, and if it can't even do that, its transactions find that the lease has
// another token and store nothing.
package tasks
