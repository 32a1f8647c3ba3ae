// Package mail owns the letters about events: to whom they go, when, and what they say in which
// language. It imports domain, audit, idempotency, spans and mail/smtp. The last one hands letters
// to a server.
//
// What is not obvious: there is no queue of letters. A recipient has a place in the stream of
// events up to which all is mailed, and at most one letter on its way, which is the span of events
// that it tells. So any number of events that wait become one letter, however long the mail server
// is away.
package mail
