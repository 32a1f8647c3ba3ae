package main

import (
	"archive/tar"
	"bufio"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func imageFile() string {
	return filepath.Join(made.release.out, made.release.fileName("amd64", "image.tar"))
}

// unpacked is the image as its layout says, checked: each digest, size and difference of a layer.
func unpacked(t *testing.T) v1.Image {
	t.Helper()
	dir := t.TempDir()
	command(t, "tar", "-xf", imageFile(), "-C", dir)
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 {
		t.Fatalf("%+v, %v", manifest, err)
	}
	if p := manifest.Manifests[0].Platform; p == nil || p.Architecture != "amd64" || manifest.Manifests[0].ArtifactType != "" {
		t.Errorf("%+v", manifest.Manifests[0])
	}
	image, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(image); err != nil {
		t.Error(err)
	}
	return image
}

// TestImage_BothForms: what docker load reads, and what tools for layouts read, is one image.
func TestImage_BothForms(t *testing.T) {
	t.Parallel()
	loaded, err := tarball.ImageFromPath(imageFile(), nil)
	if err != nil {
		t.Fatal(err)
	}
	a, errA := loaded.ConfigName()
	b, errB := unpacked(t).ConfigName()
	if errA != nil || errB != nil || a != b {
		t.Errorf("%v, %v; %v, %v", a, b, errA, errB)
	}
	config, err := loaded.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Config.User != imageUser || config.OS != "linux" || config.Architecture != "amd64" ||
		config.Config.Labels["org.opencontainers.image.version"] != "1.2.3" {
		t.Errorf("%+v", config)
	}
}

// extract writes the files of the image below a directory, with their owners where that is allowed.
func extract(t *testing.T, image v1.Image, root string) {
	t.Helper()
	content := mutate.Extract(image)
	defer content.Close()
	archive := tar.NewReader(content)
	for {
		header, err := archive.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(root, header.Name)
		// A layer comes before those below it, which have the folders.
		if header.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, 0o755)
		} else {
			var text []byte
			if text, err = io.ReadAll(archive); err == nil {
				err = errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, text, 0o644))
			}
		}
		if err == nil {
			err = os.Chmod(path, header.FileInfo().Mode())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestImage_Runs: the program serves in the root of the image alone, which it can't write to, as a
// user that is not root and has no capabilities, with a volume for its data.
func TestImage_Runs(t *testing.T) {
	t.Parallel()
	needs(t, "bwrap")
	image, root, data := unpacked(t), t.TempDir(), t.TempDir()
	extract(t, image, root)
	checkRoots(t, filepath.Join(root, "etc/ssl/certs/ca-certificates.crt"))
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{
		"--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--uid", "65532", "--gid", "65532",
		"--cap-drop", "ALL", "--die-with-parent", "--new-session", "--clearenv",
		"--ro-bind", root, "/", "--bind", data, "/data", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",
	}
	for _, variable := range config.Config.Env {
		name, value, _ := strings.Cut(variable, "=")
		args = append(args, "--setenv", name, value)
	}
	args = append(args, config.Config.Entrypoint...)
	url := serveIn(t, append(append(args, config.Config.Cmd...), "--listen", "127.0.0.1:0"))
	response, err := http.Get(url + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("%d %s, %v", response.StatusCode, text, err)
	}
	for _, name := range []string{"chaveiro.db", "master.key"} {
		if _, err := os.Stat(filepath.Join(data, name)); err != nil {
			t.Error(err)
		}
	}
}

// serveIn starts a server, which ends with the test, and returns its address.
func serveIn(t *testing.T, args []string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bwrap", args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	var seen strings.Builder
	for lines := bufio.NewScanner(log); lines.Scan(); {
		line := struct{ Msg, Address string }{}
		fmt.Fprintln(&seen, lines.Text())
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "listening" {
			go io.Copy(io.Discard, log)
			return "http://" + line.Address
		}
	}
	t.Fatalf("it does not listen:\n%s", seen.String())
	return ""
}

// checkRoots: the program can check who it calls over TLS.
func checkRoots(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		count++
	}
	if count < 100 {
		t.Errorf("%d certificates of public CAs", count)
	}
}
