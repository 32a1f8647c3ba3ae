//go:build !race

package apptest

// Raced is false: nobody looks on.
const Raced = false
