package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestDebian_Operations: what docs/operations.md and docs/backup.md have an operator type, in a
// Debian with the package, as the account of the server.
func TestDebian_Operations(t *testing.T) {
	t.Parallel()
	root := debian(t)
	copyFile(t, made.deb, filepath.Join(root, "test", filepath.Base(made.deb)), 0o644)
	log := boot(t, root, withBlocks(t, operations))
	for _, want := range []string{"goroutine profile", "ca-matriz", "site-easy"} {
		if !strings.Contains(log, want) {
			t.Errorf("no %q in\n%s", want, log)
		}
	}
}

const operations = `
is() { [ "$1" = "$2" ] || { echo "got '$1', want '$2'"; exit 1; }; }
ready() { curl -fsS -o /dev/null --retry 30 --retry-delay 1 --retry-all-errors http://127.0.0.1:8080/readyz; }

{{install sh install}}
{{install sh start}}
{{install sh admin}}
chaveiro client create --ca ca-matriz --name site-rio --email rio@example.com

# What is wrong? The clock of a machine like this one nobody keeps, and there is no backup.
chaveiro doctor --json >doctor.json || true
is "$(grep -c '"level": *"fail"' doctor.json || true)" 0

# From easy-rsa.
make-cadir /etc/easy-rsa
(cd /etc/easy-rsa && export EASYRSA_BATCH=1 && ./easyrsa init-pki && ./easyrsa build-ca nopass &&
  ./easyrsa build-client-full site-easy nopass) >easyrsa.log 2>&1
echo >password
{{operations sh import}}
chaveiro client list | grep site-easy
[ ! -e /var/lib/chaveiro/easy-rsa ]

# A backup, and back to it: what was made since is gone, what was revoked since stays revoked.
install -d -m 700 -o chaveiro -g chaveiro /backups
{{backup sh backup}}
chaveiro client create --ca ca-matriz --name site-late --email late@example.com
chaveiro client revoke site-rio --yes
systemctl stop chaveiro
{{backup sh restore}}
systemctl start chaveiro
ready
chaveiro client list >clients
is "$(grep -c site-late clients || true)" 0
is "$(awk '$3 == "site-rio" {print $6}' clients)" true

# Another master key, while the server runs; the first one may not go yet.
{{operations sh master-key}}
is "$(wc -l </var/lib/chaveiro/master.key)" 2
install -d -m 700 -o chaveiro -g chaveiro /media/safe
if (
{{operations sh master-key-remove}}
) >removed 2>&1; then cat removed; exit 1; fi
is "$(wc -l </var/lib/chaveiro/master.key)" 2
systemctl restart chaveiro
ready
chaveiro client key site-easy --out /var/lib/chaveiro/site-easy.key

# What is kept.
{{operations sh retention}}

# Profiles, in a directory that the unit makes.
echo 'pprof-socket: /run/chaveiro/pprof.sock' >>/etc/chaveiro/chaveiro.yaml
systemctl restart chaveiro
ready
is "$(stat -c '%a %U' /run/chaveiro) $(stat -c '%a %U' /run/chaveiro/pprof.sock)" "700 chaveiro 600 chaveiro"
(
curl() { command curl "${@//seconds=20/seconds=1}"; }
{{operations sh profiles}}
)
[ -s cpu.pprof ]
is "$(find /var/lib/chaveiro ! -user chaveiro | wc -l)" 0
`
