// Package devicefile reads and writes the devices of a vault as a CSV file.
//
// It imports domain and csvfile, and knows neither the store nor HTTP.
//
// What is not obvious: a [File] can be read any number of times, row by row, so it takes only the
// memory of its text. What [Writer] writes, [Open] reads back unchanged.
package devicefile
