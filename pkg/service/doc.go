// Package service puts the use cases together: New builds them, Run does what they do in the
// background.
//
// It imports domain, ca, seal, auth, turns, history, audit, pki, access and vault. What is not
// obvious: everything is built in one direction, and nothing is assigned after construction. What
// two of them share, as what is to be forgotten when the database has another history, is built
// first.
package service
