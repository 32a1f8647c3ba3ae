package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

func project(t *testing.T, env ...string) (*types.Project, error) {
	t.Helper()
	options, err := cli.NewProjectOptions(
		[]string{filepath.Join(made.release.source, "compose.yaml")}, cli.WithName("chaveiro"), cli.WithEnv(env),
		cli.WithInterpolation(true), cli.WithResolvedPaths(true),
	)
	if err != nil {
		t.Fatal(err)
	}
	return options.LoadProject(t.Context())
}

// TestCompose: Compose's own library takes the file, and the server in it may do little.
func TestCompose(t *testing.T) {
	t.Parallel()
	p, err := project(t, "POSTGRES_PASSWORD=secret1")
	if err != nil {
		t.Fatal(err)
	}
	server := p.Services["chaveiro"]
	if !server.ReadOnly || !slices.Equal(server.CapDrop, []string{"ALL"}) || server.Privileged ||
		!slices.Contains(server.SecurityOpt, "no-new-privileges:true") {
		t.Errorf("%+v", server)
	}
	if url := server.Environment["CHAVEIRO_DATABASE_URL"]; url == nil || !strings.Contains(*url, ":secret1@database:5432/") {
		t.Errorf("the address of the database: %v", url)
	}
	for _, port := range server.Ports {
		if port.HostIP != "127.0.0.1" {
			t.Errorf("the port %s is open to others: plain HTTP", port.Published)
		}
	}
	if _, err := project(t); err == nil || !strings.Contains(err.Error(), "POSTGRES_PASSWORD") {
		t.Errorf("without a password: %v", err)
	}
}

// TestDockerfile: the image of a working copy runs as those of releases do.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(made.release.source, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	_, last, _ := bytes.Cut(text, []byte("\nFROM scratch\n"))
	config := imageConfig()
	want := []string{
		"USER " + config.User, "ENV " + strings.Join(config.Env, " "), `ENTRYPOINT ["` + config.Entrypoint[0] + `"]`,
		`CMD ["` + config.Cmd[0] + `"]`, "VOLUME /data", "EXPOSE 8080", "COPY --from=build /out/ /",
	}
	got := strings.Split(strings.TrimSpace(string(last)), "\n")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if flags := regexp.MustCompile(`go build -trimpath -ldflags='-s -w'`); !flags.Match(text) {
		t.Error("it is built otherwise than releases are")
	}
}
