package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// configFile has the settings of a YAML file. Flags and environment variables take precedence over
// it.
type configFile struct {
	name     string
	settings map[string]yaml.Node
}

// readConfigFile reads a file whose keys are the names of settings. Errors name the file and the
// line.
func readConfigFile(r io.Reader) (kong.Resolver, error) {
	file := configFile{name: "configuration", settings: map[string]yaml.Node{}}
	if named, ok := r.(*os.File); ok {
		file.name = named.Name()
	}
	decoder := yaml.NewDecoder(r)
	if err := decoder.Decode(&file.settings); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", file.name, err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: only one document is allowed", file.name)
	}
	return file, nil
}

// Validate refuses keys that are not settings: a typing error must not silently leave a default in
// force. One file may have the settings of several commands.
func (f configFile) Validate(*kong.Application) error {
	known := settingNames(newParser(new(cli)).Model.Node)
	var faults []error
	for name, node := range f.settings {
		if !slices.Contains(known, name) {
			faults = append(faults, fmt.Errorf("%s:%d: %q is no setting", f.name, node.Line, name))
		}
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(faults...)
}

// settingNames returns the names of the flags that also have an environment variable, of all
// commands.
func settingNames(node *kong.Node) (names []string) {
	for _, flag := range node.Flags {
		if len(flag.Envs) > 0 {
			names = append(names, flag.Name)
		}
	}
	for _, child := range node.Children {
		names = append(names, settingNames(child)...)
	}
	return names
}

// Resolve returns the value that the file has for a flag, as the text that the command line would
// have.
func (f configFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	node, ok := f.settings[flag.Name]
	if !ok || len(flag.Envs) == 0 || slices.ContainsFunc(flag.Envs, isSet) {
		return nil, nil
	}
	text, err := settingText(node)
	if err != nil {
		return nil, fmt.Errorf("%s:%d: %w", f.name, node.Line, err)
	}
	return text, nil
}

func isSet(variable string) bool {
	_, ok := os.LookupEnv(variable)
	return ok
}

// settingText writes a value of the file in the form of a flag, and a list as its values with
// commas between them.
func settingText(node yaml.Node) (string, error) {
	switch {
	case node.Kind == yaml.ScalarNode && node.Tag != "!!null":
		return node.Value, nil
	case node.Kind == yaml.SequenceNode:
		texts := make([]string, len(node.Content))
		for i, one := range node.Content {
			if one.Kind != yaml.ScalarNode || one.Tag == "!!null" {
				return "", errors.New("a list of values is wanted")
			}
			texts[i] = one.Value
		}
		return strings.Join(texts, ","), nil
	}
	return "", errors.New("a value is wanted")
}
