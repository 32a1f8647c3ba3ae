package app_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// TestTunnelCommands: commands manage OpenVPN servers and their sites beside a running server. They
// write the files that it serves, and their links do at its pages.
func TestTunnelCommands(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o apptest.Options) {
		server := apptest.Start(t, o)
		c := login(t, server)
		command := func(line string) string { return apptest.MustCommand(t, o, strings.Fields(line)...) }
		dir := t.TempDir()
		command("ca create --name ca-matriz --email ca@example.com")
		command("client create --ca ca-matriz --name site-rio --email a@example.com")
		command("instance create --ca 1 --name vpn-matriz --network 10.8.0.0/24 --remote vpn.example.com")
		command("client config set site-rio vpn-matriz --iroute 10.1.0.0/24")

		command("instance bundle vpn-matriz --dir " + filepath.Join(dir, "vpn"))
		for name, want := range unpackTar(t, get(t, c, instancesPath+"/1/bundle")) {
			if diff := cmp.Diff(want, read(t, filepath.Join(dir, "vpn"), name)); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		served := get(t, c, clientPath(1, "/profile"))
		if printed := command("client profile site-rio --out -"); printed != string(served) {
			t.Errorf("the server has the profile\n%s\nand the command\n%s", served, printed)
		}
		link := strings.TrimSpace(command("client link create site-rio --instance 1 --external-url " + server.URL))
		apptest.MustCommand(t, apptest.Options{}, "enrol", "--plain-http", "--dir", dir, link)
		if got := command("client link list site-rio --csv"); !strings.Contains(got, ",claimed,") {
			t.Error(got)
		}
		command("instance delete vpn-matriz --yes --force")
		wantCommands(t, c, "openvpn.configs", 1, "chaveiro client config set")
	})
}

// unpackTar returns the files of a tar.gz by their names.
func unpackTar(t *testing.T, content []byte) map[string]string {
	t.Helper()
	files := map[string]string{}
	archive := tar.NewReader(must(gzip.NewReader(bytes.NewReader(content))))
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if must(header, err).Typeflag == tar.TypeReg {
			files[header.Name] = string(must(io.ReadAll(archive)))
		}
	}
}
