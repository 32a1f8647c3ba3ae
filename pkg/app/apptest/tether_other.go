//go:build !linux

package apptest

import "syscall"

// tether does nothing: only Linux has a parent-death signal. Elsewhere a killed test binary leaves
// its servers running until they are ended by hand.
func tether(*syscall.SysProcAttr) {}
