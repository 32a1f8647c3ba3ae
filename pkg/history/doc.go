// Package history notices that the database has gone back to an earlier state: a standby that
// lagged was promoted, or a backup was put in place beneath a running service.
//
// It imports domain. What is not obvious: everything cached of the old history is dropped before
// anything is answered from the new one, and the database gets a new incarnation, by which the
// other replicas notice too.
package history
