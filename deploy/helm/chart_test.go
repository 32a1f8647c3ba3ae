package helm

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// cases are the values that the chart is rendered with, one file in testdata/values each.
var cases = []string{"sqlite", "postgresql", "whole"}

func valuesOf(t *testing.T, name string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "values", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{}
	if err := yaml.UnmarshalStrict(text, &values); err != nil {
		t.Fatal(err)
	}
	return values
}

// render is `helm template keys chaveiro --namespace vpn` in Go: the files by name, without empty
// ones. It also checks the values by their schema.
func render(values map[string]any) (map[string]string, error) {
	chart, err := loader.Load("chaveiro")
	if err != nil {
		return nil, err
	}
	options := common.ReleaseOptions{Name: "keys", Namespace: "vpn", Revision: 1, IsInstall: true}
	whole, err := util.ToRenderValues(chart, values, options, common.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(chart, whole)
	maps.DeleteFunc(files, func(_, text string) bool { return strings.TrimSpace(text) == "" })
	return files, err
}

// documents are the objects of a rendering, in the order of the files.
func documents(files map[string]string) [][]byte {
	var list [][]byte
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasSuffix(name, ".yaml") {
			for one := range strings.SplitSeq(files[name], "\n---\n") {
				list = append(list, []byte(one))
			}
		}
	}
	return list
}

func TestChart_Lint(t *testing.T) {
	t.Parallel()
	for _, name := range cases {
		for _, message := range lint.RunAll("chaveiro", valuesOf(t, name), "vpn").Messages {
			if message.Severity > support.InfoSev {
				t.Errorf("%s: %v", name, message)
			}
		}
	}
}

func TestChart_Golden(t *testing.T) {
	t.Parallel()
	for _, name := range cases {
		files, err := render(valuesOf(t, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got bytes.Buffer
		for _, file := range slices.Sorted(maps.Keys(files)) {
			fmt.Fprintf(&got, "--- # %s\n%s\n", file, strings.TrimSpace(files[file]))
		}
		path := filepath.Join("testdata", "golden", name+".yaml")
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(path); err != nil || got.String() != string(want) {
			t.Errorf("%s has changed (%v): go test -update, and read the difference:\n%s", path, err, got.String())
		}
	}
}

// TestChart_Refused: values that would lose keys, or do nothing, are refused before anything is
// installed.
func TestChart_Refused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{}":                                     "/masterKey/secret",
		"{masterKey: {secret: k}, replicas: 2}":  "/replicas",
		"{masterKey: {secret: k}, replica: 2}":   "replica",
		"{masterKey: {secret: k}, replicas: -1}": "/replicas",
		"{masterKey: {secret: k}, persistence: {enabled: false}}":                             "/persistence/enabled",
		"{masterKey: {secret: k}, settings: {listen: '0.0.0.0:80'}}":                          "listen",
		"{masterKey: {secret: k}, settings: {external-url: {a: b}}}":                          "/settings/external-url",
		"{masterKey: {secret: k}, persistence: {size: large}}":                                "/persistence/size",
		"{masterKey: {secret: k}, postgresql: {secret: d}, replicas: 2, tls: {secrets: [a]}}": "/tls",
	} {
		values := map[string]any{}
		if err := yaml.Unmarshal([]byte(text), &values); err != nil {
			t.Fatal(err)
		}
		if _, err := render(values); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error about %s", text, err, want)
		}
	}
}
