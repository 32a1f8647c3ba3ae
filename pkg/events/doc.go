// Package events owns the stream of events: what is published in it and in which order, and how
// those who follow it get it, also by webhooks. It imports domain, turns, seal, audit,
// idempotency and spans.
//
// What is not obvious: a change writes nothing for the stream. The audit has a row of each change,
// in its transaction and on a chain whose positions have no gaps, so the audit is the outbox: a
// publisher notes up to where the stream has each chain. Readers of the stream see each event once,
// in an order that never changes, although transactions commit out of the order of their ids.
package events
