//go:build !race

package apptest

// Raced is false: the race detector is off.
const Raced = false
