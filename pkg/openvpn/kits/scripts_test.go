package kits

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// onRouter runs a script of a kit as root of a machine with folders of its own for /etc and /opt.
// $1 is the kit's folder, to which prepare writes what the router's programs are told.
func onRouter(t *testing.T, kit Kit, prepare, shell string) (dir string) {
	t.Helper()
	dir = unpack(t, kit)
	script := `set -eu
mount -t tmpfs none /etc
mount -t tmpfs none /opt
mkdir "$1/bin"
PATH="$1/bin:$PATH"
program() { cat >"$1"; chmod +x "$1"; }
` + prepare + "\n" + shell + ` "$1/$2"`
	run(t, dir, needNamespaces(t), "-rm", "sh", "-c", script, "sh", dir, kit.Files[0].Name)
	return dir
}

// openWrtPrograms keep what uci and the services are asked. uci says that there is nothing to
// delete.
const openWrtPrograms = `
mkdir /etc/init.d
program "$1/bin/uci" <<END
#!/bin/sh
if [ "\$1" = batch ]; then cat >"$1/batch"; else echo "\$@" >>"$1/uci"; exit 1; fi
END
for service in firewall openvpn; do
	printf '#!/bin/sh\necho %s "$@" >>"%s"\n' $service "$1/services" >/etc/init.d/$service
	chmod +x /etc/init.d/$service
done
trap 'cp -p /etc/openvpn/* /etc/nftables.d/* "$1/installed"' EXIT
mkdir "$1/installed"
`

// TestOpenWrtScript runs the script with a uci that keeps what it is told.
func TestOpenWrtScript(t *testing.T) {
	t.Parallel()
	sample := samples(t)["openwrt"]
	kit := mustRender(t, OpenWrt, sample.Profile)
	dir := onRouter(t, kit, openWrtPrograms, "sh")
	var want []uciCommand
	for line := range strings.Lines(readText(t, dir, "batch")) {
		if words := uciLine.FindStringSubmatch(strings.TrimSuffix(line, "\n")); words != nil {
			want = append(want, uciCommand{words[1], words[2], words[3]})
		}
	}
	if diff := cmp.Diff(want, parseUCI(t, kit.Files[0].Content), cmp.AllowUnexported(uciCommand{})); diff != "" {
		t.Error(diff)
	}
	id := identifier(kit.Base)
	if got := readText(t, dir, "uci"); !strings.HasPrefix(got, "-q delete openvpn."+id+"\n") || strings.Count(got, "\n") != 4 {
		t.Error(got)
	}
	if got := readText(t, dir, "services"); got != "firewall restart\nopenvpn enable\nopenvpn restart "+id+"\n" {
		t.Error(got)
	}
	for _, file := range kit.Files[1:] {
		installed := filepath.Join(dir, "installed", file.Name)
		if got := readText(t, dir, filepath.Join("installed", file.Name)); got != string(file.Content) {
			t.Errorf("%s: %q", file.Name, got)
		}
		if info, err := os.Stat(installed); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", file.Name, info.Mode(), err)
		}
	}
}

func readText(t testing.TB, dir, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// vyosPrograms are the commands of VyOS, which write each word that they get.
const vyosPrograms = `
mkdir -p /opt/vyatta/etc/functions
cat >/opt/vyatta/etc/functions/script-template <<END
words() { printf '%s\n' "\$#" "\$@" >>"$1/words"; }
set() { words set "\$@"; }
configure() { words configure; }
commit() { words commit; }
save() { words save; }
END
printf '#!/bin/sh\necho vyattacfg\n' | program "$1/bin/id"
`

// TestVyOSScript runs the script in bash, with a site of a hostile name: the commands get the words
// that the text of the script shows, each as one.
func TestVyOSScript(t *testing.T) {
	t.Parallel()
	need(t, "bash")
	sample := samples(t)["vyos"]
	for _, site := range []string{"site-rio", `'; reboot; $(reboot) "x" \`, "`reboot` *"} {
		sample.Profile.Site = site
		kit := mustRender(t, VyOS, sample.Profile)
		dir := onRouter(t, kit, vyosPrograms, "bash")
		want := []string{"1", "configure"}
		for _, words := range parseVyOS(t, kit.Files[0].Content) {
			if words[len(words)-1] == "" {
				words = words[:len(words)-1]
			}
			want = append(want, strconv.Itoa(len(words)+1), "set")
			want = append(want, words...)
		}
		want = append(want, "1", "commit", "1", "save")
		got := strings.Split(strings.TrimSuffix(readText(t, dir, "words"), "\n"), "\n")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", site, diff)
		}
		if !slices.Contains(got, strings.ReplaceAll(site, "'", "\u2019")) {
			t.Errorf("no description %q", site)
		}
	}
}
