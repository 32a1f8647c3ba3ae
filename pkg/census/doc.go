// Package census counts what is in the database, for the metrics: certificates by CA and state, and
// what ends next. It imports domain.
//
// What is not obvious: nobody waits for a count. It reads an index of all certificates, a second or
// so for a million of them, so it is made in the background, and the rest after it is a hundred
// times as long as it took. Readers get the last count, and its age.
package census
