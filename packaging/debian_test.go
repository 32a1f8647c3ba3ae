package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// debian unpacks a minimal Debian that scripts/setup.sh has made, and returns its root.
func debian(t *testing.T) string {
	t.Helper()
	nightly(t)
	needs(t, "systemd-nspawn")
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(cache, "chaveiro", "debian-bookworm-2.tar")
	if _, err := os.Stat(archive); err != nil || os.Getuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatalf("needs root and %s: scripts/setup.sh debian", archive)
		}
		t.Skipf("needs root and %s: scripts/setup.sh debian", archive)
	}
	root := filepath.Join(t.TempDir(), "debian")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	command(t, "tar", "-xf", archive, "-C", root)
	if err := os.Mkdir(filepath.Join(root, "test"), 0o755); err != nil {
		t.Fatal(err)
	}
	return root
}

// withBlocks puts the code of documents into a script: {{install sh admin}} is what stands in
// docs/install.md behind the fence "sh admin".
func withBlocks(t *testing.T, script string) string {
	t.Helper()
	return regexp.MustCompile(`{{(\w+) (.+?)}}`).ReplaceAllStringFunc(script, func(place string) string {
		document, fence, _ := strings.Cut(strings.Trim(place, "{}"), " ")
		text, err := os.ReadFile(filepath.Join(made.release.source, "docs", document+".md"))
		if err != nil {
			t.Fatal(err)
		}
		_, rest, found := strings.Cut(string(text), "\n```"+fence+"\n")
		code, _, ended := strings.Cut(rest, "\n```\n")
		if !found || !ended {
			t.Fatalf("docs/%s.md has no %q", document, fence)
		}
		return code
	})
}

// bootUnit runs the script when Debian has started, and then switches it off.
const bootUnit = `[Unit]
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
ExecStart=/bin/bash -eux /test/run.sh
WorkingDirectory=/test
StandardOutput=file:/test/log
StandardError=inherit
[Install]
WantedBy=multi-user.target
`

// boot starts systemd in a root, with a network of its own that leads nowhere, and runs a script of
// bash in it. It returns what the script printed, and fails the test when the script failed.
func boot(t *testing.T, root, script string) string {
	t.Helper()
	for path, text := range map[string]string{
		"test/run.sh": script + "\ntouch /test/done\n", "etc/systemd/system/run-test.service": bootUnit,
	} {
		if err := os.WriteFile(filepath.Join(root, path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	wants := filepath.Join(root, "etc/systemd/system/multi-user.target.wants")
	if err := os.MkdirAll(wants, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../run-test.service", filepath.Join(wants, "run-test.service")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "systemd-nspawn", "--quiet", "--directory="+root, "--machine="+filepath.Base(filepath.Dir(root)),
		"--register=no", "--keep-unit", "--private-network", "--resolv-conf=off", "--timezone=off", "--boot")
	cmd.Env = append(os.Environ(), "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=0")
	console, err := cmd.CombinedOutput()
	log, _ := os.ReadFile(filepath.Join(root, "test/log"))
	if _, failed := os.Stat(filepath.Join(root, "test/done")); failed != nil {
		t.Fatalf("%v\n%s\n%s", err, console, log)
	}
	return string(log)
}

// TestDebian_Life: what docs/install.md says, step by step, in a Debian that systemd runs.
func TestDebian_Life(t *testing.T) {
	t.Parallel()
	root := debian(t)
	next := made.release
	next.version, next.out = "v1.2.4", filepath.Join(root, "test/upgrade")
	if err := os.MkdirAll(next.out, 0o755); err != nil {
		t.Fatal(err)
	}
	copyFile(t, made.deb, filepath.Join(root, "test", filepath.Base(made.deb)), 0o644)
	if err := next.writePackage(made.built, "deb"); err != nil {
		t.Fatal(err)
	}
	log := boot(t, root, withBlocks(t, life))
	for _, want := range []string{"rm -r /var/lib/chaveiro && userdel chaveiro", "ca-matriz"} {
		if !strings.Contains(log, want) {
			t.Errorf("no %q in\n%s", want, log)
		}
	}
}

const life = `
is() { [ "$1" = "$2" ] || { echo "got '$1', want '$2'"; exit 1; }; }
pid() { systemctl show -p MainPID --value chaveiro; }
ready() { curl -fsS -o /dev/null --retry 30 --retry-delay 1 --retry-all-errors http://127.0.0.1:8080/readyz; }

{{install sh install}}
is "$(systemctl is-active chaveiro || true) $(systemctl is-enabled chaveiro || true)" "inactive disabled"
is "$(stat -c '%a %U %G' /var/lib/chaveiro)" "700 chaveiro chaveiro"
is "$(stat -c '%a %U %G' /etc/chaveiro)" "750 root chaveiro"
is "$(stat -c '%a %U %G' /etc/chaveiro/chaveiro.yaml)" "640 root chaveiro"
is "$(systemd-analyze verify --man=no chaveiro.service 2>&1)" ""

{{install sh start}}
is "$(stat -c '%U %G' /proc/$(pid))" "chaveiro chaveiro"
is "$(grep -c '^CapEff:.0000000000000000$' /proc/$(pid)/status)" 1
is "$(stat -c '%a %U' /var/lib/chaveiro/master.key)" "600 chaveiro"
{{install sh admin}}
chaveiro ca list | grep ca-matriz
key=$(sha256sum </var/lib/chaveiro/master.key)
is "$(find /var/lib/chaveiro ! -user chaveiro | wc -l)" 0

systemctl reload chaveiro
systemctl is-active chaveiro

# An upgrade starts the server again, keeps the settings, and asks policy-rc.d.
echo 'log-level: warn' >>/etc/chaveiro/chaveiro.yaml
before=$(pid)
{{install sh upgrade}}
[ "$(pid)" != "$before" ]
ready
is "$(dpkg-query -W -f '${Version}' chaveiro)" "1.2.4-1"
tail -1 /etc/chaveiro/chaveiro.yaml | grep 'log-level: warn'
is "$(stat -c '%a %U %G' /etc/chaveiro/chaveiro.yaml)" "640 root chaveiro"
chaveiro ca list | grep ca-matriz
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
before=$(pid)
apt-get install -y --reinstall ./upgrade/chaveiro_*_amd64.deb
is "$(pid)" "$before"
rm /usr/sbin/policy-rc.d

# A port below 1024.
mkdir -p /etc/systemd/system/chaveiro.service.d
cat >/etc/systemd/system/chaveiro.service.d/override.conf <<'END'
{{install ini port}}
END
sed -i 's/^listen: .*/listen: 127.0.0.1:80/' /etc/chaveiro/chaveiro.yaml
systemctl daemon-reload
systemctl restart chaveiro
curl -fsS -o /dev/null --retry 30 --retry-delay 1 --retry-all-errors http://127.0.0.1/readyz
rm -r /etc/systemd/system/chaveiro.service.d
sed -i 's/^listen: .*/listen: 127.0.0.1:8080/' /etc/chaveiro/chaveiro.yaml

{{install sh remove}}
is "$(systemctl is-active chaveiro || true)" "inactive"
[ ! -e /usr/bin/chaveiro ]
[ -e /etc/chaveiro/chaveiro.yaml ]
{{install sh purge}}
[ ! -e /etc/chaveiro/chaveiro.yaml ]
is "$(sha256sum </var/lib/chaveiro/master.key)" "$key"
is "$(stat -c '%a %U' /var/lib/chaveiro/master.key)" "600 chaveiro"

# Whoever has purged by mistake goes on.
{{install sh install}}
{{install sh start}}
chaveiro ca list | grep ca-matriz
`

// TestRPM_Life: the scripts of the RPM in the same Debian, with the rpm of this machine.
func TestRPM_Life(t *testing.T) {
	t.Parallel()
	root := debian(t)
	needs(t, "rpm")
	next := made.release
	next.version, next.out = "v1.2.4", t.TempDir()
	if err := next.writePackage(made.built, "rpm"); err != nil {
		t.Fatal(err)
	}
	upgrade := filepath.Join(next.out, "chaveiro-1.2.4-1.x86_64.rpm")
	state := func() string {
		return command(t, "chroot", root, "sh", "-c", "stat -c '%n %a %U %G' /var/lib/chaveiro /etc/chaveiro/chaveiro.yaml "+
			"/etc/chaveiro/chaveiro.yaml.rpmsave /usr/bin/chaveiro /var/lib/chaveiro/master.key 2>/dev/null || true")
	}
	const kept = "/var/lib/chaveiro 700 chaveiro chaveiro\n"
	const whole = kept + "/etc/chaveiro/chaveiro.yaml 640 root chaveiro\n/usr/bin/chaveiro 755 root root\n"
	const key = "/var/lib/chaveiro/master.key 600 root root\n"
	command(t, "rpm", "--root", root, "-i", "--nodeps", made.rpm)
	if got := state(); got != whole {
		t.Errorf("installed: %s", got)
	}
	command(t, "chroot", root, "sh", "-c",
		"umask 077; echo key >/var/lib/chaveiro/master.key; echo 'log-level: warn' >>/etc/chaveiro/chaveiro.yaml")
	command(t, "rpm", "--root", root, "-U", "--nodeps", upgrade)
	if got := state(); got != whole+key {
		t.Errorf("upgraded: %s", got)
	}
	if text, _ := os.ReadFile(filepath.Join(root, "etc/chaveiro/chaveiro.yaml")); !strings.HasSuffix(string(text), "log-level: warn\n") {
		t.Errorf("the upgrade has replaced the settings: %s", text)
	}
	command(t, "rpm", "--root", root, "-e", "chaveiro")
	if got := state(); got != kept+"/etc/chaveiro/chaveiro.yaml.rpmsave 640 root chaveiro\n"+key {
		t.Errorf("removed: %s", got)
	}
}
