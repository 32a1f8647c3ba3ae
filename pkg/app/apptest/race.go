//go:build race

package apptest

// Raced reports whether the race detector is on: then the program is built with it, too.
const Raced = true
