// Package bounded keeps what one process does, and what it remembers, within bounds, whoever asks: rates, turns, questions that many share,
// and memories that forget.
//
// It imports the standard library and golang.org/x/time, and knows nothing of the service.
//
// What is not obvious: all of this is of one process, and protects that process. What must hold over replicas is a row or a constraint in
// the database, and never here.
package bounded
