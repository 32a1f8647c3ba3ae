//go:build race

package apptest

// raced reports whether the race detector looks on: then it does at the program, too.
const raced = true
