package openvpntest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Versions are the versions of OpenVPN that the agent works beside, besides the installed one.
// scripts/openvpns.sh puts them into the user's cache.
func Versions() []string { return []string{"2.5", "2.7"} }

// RequireVersion returns the path of an OpenVPN of that version. Without it the test is skipped,
// except under CI=true, where it fails.
func RequireVersion(t testing.TB, version string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	path := filepath.Join(cache, "chaveiro", "openvpn-"+version, "openvpn")
	if err == nil {
		_, err = os.Stat(filepath.Join(filepath.Dir(path), "ready"))
	}
	if err == nil {
		return path
	}
	err = fmt.Errorf("openvpntest: no OpenVPN %s (scripts/openvpns.sh): %w", version, err)
	if os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	t.Fatal(err)
	return ""
}
