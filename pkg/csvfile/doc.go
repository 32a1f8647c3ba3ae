// Package csvfile reads CSV files (RFC 4180) as spreadsheets write them: with their separators,
// encodings and line ends, and with protection against values that they would take for a formula.
//
// It imports domain, and knows neither what the columns mean, nor the store, nor HTTP.
//
// What is not obvious: a [File] can be read any number of times, row by row, so it takes only the
// memory of its text. What [Writer] writes, [Open] reads back unchanged.
package csvfile
