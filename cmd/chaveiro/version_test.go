package main

import (
	"runtime/debug"
	"testing"
)

func TestDescribe(t *testing.T) {
	t.Parallel()
	build := func(version string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: version}, Settings: settings}
	}
	commit := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef0123456789abcdef01234567"}
	date := debug.BuildSetting{Key: "vcs.time", Value: "2026-03-04T12:00:00Z"}
	for want, info := range map[string]*debug.BuildInfo{
		"chaveiro v1.2.3, commit 0123456789ab, 2026-03-04T12:00:00Z, go1.26.8": build("v1.2.3", commit, date),
		"chaveiro (devel), commit 0123456789ab with changes, go1.26.8": build("(devel)", commit,
			debug.BuildSetting{Key: "vcs.modified", Value: "true"}),
		"chaveiro (devel), go1.26.8":        build("(devel)"),
		"chaveiro (unknown), an unknown Go": {},
	} {
		if got := describe(info); got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
}
