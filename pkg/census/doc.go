// Package census counts what is in the database, for the metrics: certificates by CA and state, and
// what ends next. It imports domain.
//
// What is not obvious: nobody waits for a count. To read an index of all certificates takes a
// second or so for a million of them, so it is done in the background, by one of the servers, and
// not again before a hundred times as long. A count is continued, without that, while nothing in
// the audit changes: then only what ends meanwhile is read. Readers get the last count, and its
// age.
package census
