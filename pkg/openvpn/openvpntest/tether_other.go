//go:build !linux

package openvpntest

import "syscall"

// Only Linux has a parent-death signal. Elsewhere a killed test binary leaves
// its OpenVPN processes running until they are ended by hand.
func tether(*syscall.SysProcAttr) {}
