//go:build !linux

package agent

func leaner() {}
