//go:build !linux

package pgtest

import "syscall"

// Only Linux has a parent-death signal. Elsewhere a killed test binary leaves
// its server running until it is ended by hand.
func tether(*syscall.SysProcAttr, syscall.Signal) {}
