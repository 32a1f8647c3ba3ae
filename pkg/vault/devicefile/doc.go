// Package devicefile reads and writes the devices of a vault as a CSV file (RFC 4180), as
// spreadsheets write it: with their separators, encodings, line ends and what they take for a
// formula.
//
// It imports domain, and knows neither the store nor HTTP.
//
// What is not obvious: a [File] is read as often as it is needed, row by row, so that what it takes
// is its text alone; and what [Writer] writes, [Open] reads back the same.
package devicefile
