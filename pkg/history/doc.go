// Package history notices that the database has gone back to an earlier state: a standby was promoted that lagged, a
// backup was put in place beneath a running service.
//
// It imports domain. What is not obvious: all that is remembered of the old history is forgotten before anything is
// answered from the new one, and the database gets a new incarnation, by which the other replicas notice too.
package history
