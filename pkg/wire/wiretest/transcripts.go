package wiretest

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// Transcripts are those of a dialect: the files testdata/*.txt. Each runs on a server of its own,
// beside the others.
type Transcripts struct {
	// Spec returns the document of the dialect. All answers that it declares must be in a
	// transcript, except those that Beyond names. Prefix is what the operations of the dialect
	// begin with in the log.
	Spec   func() (*openapi3.T, error)
	Prefix string
	Beyond func(operation string, status int) bool
	// Variants returns how a file with this text is run: once for each.
	Variants func(text []byte) []Variant
	// Play runs a file. vars are its own copy of the variables of a variant.
	Play func(t *testing.T, s *Server, file string, vars map[string]string)
}

// Variant is one way to run a transcript.
type Variant struct {
	Name string            // follows the name of the file in the name of the test
	Vars map[string]string // those that the transcript begins with
}

// Run runs all transcripts, and then checks that none of the answers is missing.
func (all Transcripts) Run(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	var servers []*Server // nil where -run leaves out a transcript
	t.Run("files", func(t *testing.T) {
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, variant := range all.Variants(text) {
				servers = append(servers, nil)
				at := len(servers) - 1
				t.Run(filepath.Base(file)+variant.Name, func(t *testing.T) {
					t.Parallel() // until here one at a time, so that servers is whole
					servers[at] = Start(t)
					all.Play(t, servers[at], file, maps.Clone(variant.Vars))
				})
			}
		}
	})
	spec, err := all.Spec()
	if err != nil {
		t.Fatal(err)
	}
	checkComplete(t, spec, all.Prefix, servers, all.Beyond)
}
