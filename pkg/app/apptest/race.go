//go:build race

package apptest

// Raced reports whether the race detector looks on: then it does at the program, too.
const Raced = true
