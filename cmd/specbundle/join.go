package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// kinds are the components that a document may have, in the order in which they are written.
var kinds = []string{"securitySchemes", "parameters", "headers", "schemas", "responses"}

// joiner collects the components that are referred to, in the order of the first references.
type joiner struct {
	files      map[string]*yaml.Node
	components map[string]*yaml.Node // by kind: a mapping by name
	origin     map[string]string     // of a component, by "kind/name": its file
}

// join returns the document of a root file with everything it refers to.
func join(root string) (*yaml.Node, error) {
	j := &joiner{files: map[string]*yaml.Node{}, components: map[string]*yaml.Node{}, origin: map[string]string{}}
	for _, kind := range kinds {
		j.components[kind] = mapping()
	}
	doc, err := j.load(root)
	if err != nil {
		return nil, err
	}
	for _, path := range members(get(doc, "paths")) {
		if err := j.inline(path.value, root); err != nil {
			return nil, err
		}
	}
	for _, extension := range []string{everyOperation, everyDryRun, everyResponse} {
		if node := get(doc, extension); node != nil {
			if err := j.collect(node, root); err != nil {
				return nil, err
			}
		}
	}
	for _, kind := range members(get(doc, "components")) {
		for _, component := range members(kind.value) {
			if err := j.inline(component.value, root); err != nil {
				return nil, err
			}
			set(j.components[kind.key], component.key, component.value)
		}
	}
	all := mapping()
	for _, kind := range kinds {
		if len(j.components[kind].Content) > 0 {
			set(all, kind, j.components[kind])
		}
	}
	set(doc, "components", all)
	return doc, nil
}

// load reads a file once.
func (j *joiner) load(file string) (*yaml.Node, error) {
	if known, ok := j.files[file]; ok {
		return known, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if doc.Kind != yaml.DocumentNode {
		return nil, fmt.Errorf("%s is empty", file)
	}
	j.files[file] = plain(doc.Content[0])
	return j.files[file], nil
}

// inline puts what a reference of the root refers to in its place.
func (j *joiner) inline(node *yaml.Node, root string) error {
	ref := get(node, "$ref")
	if ref == nil {
		return j.collect(node, root)
	}
	file, pointer, err := split(ref, root)
	if err != nil {
		return err
	}
	target, err := j.find(file, pointer)
	if err != nil {
		return fmt.Errorf("%s:%d: %w", root, ref.Line, err)
	}
	*node = *plain(target)
	return j.collect(node, file)
}

// collect makes all references below node, which is of file, refer to the joined document, and
// collects the components that they refer to.
func (j *joiner) collect(node *yaml.Node, file string) error {
	if ref := get(node, "$ref"); ref != nil {
		if err := j.refer(ref, file); err != nil {
			return err
		}
	}
	for _, child := range node.Content {
		if err := j.collect(child, file); err != nil {
			return err
		}
	}
	return nil
}

// refer collects the component that a reference refers to.
func (j *joiner) refer(ref *yaml.Node, file string) error {
	from, pointer, err := split(ref, file)
	if err != nil {
		return err
	}
	parts := strings.Split(pointer, "/")
	if len(parts) != 4 || parts[1] != "components" || j.components[parts[2]] == nil {
		return fmt.Errorf("%s:%d: %s is no component", file, ref.Line, ref.Value)
	}
	kind, name := parts[2], parts[3]
	ref.Value = "#" + pointer
	known, seen := j.origin[kind+"/"+name]
	if seen && known != from {
		return fmt.Errorf("two components %s/%s: in %s and in %s", kind, name, known, from)
	}
	if seen {
		return nil
	}
	j.origin[kind+"/"+name] = from
	target, err := j.find(from, pointer)
	if err != nil {
		return fmt.Errorf("%s:%d: %w", file, ref.Line, err)
	}
	component := plain(target)
	set(j.components[kind], name, component)
	return j.collect(component, from)
}

// split returns the file of a reference in file, and the JSON pointer into it (RFC 6901).
func split(ref *yaml.Node, file string) (string, string, error) {
	name, pointer, ok := strings.Cut(ref.Value, "#")
	if !ok {
		return "", "", fmt.Errorf("%s:%d: %s has no fragment", file, ref.Line, ref.Value)
	}
	if name == "" {
		return file, pointer, nil
	}
	return filepath.Join(filepath.Dir(file), filepath.FromSlash(name)), pointer, nil
}

func (j *joiner) find(file, pointer string) (*yaml.Node, error) {
	node, err := j.load(file)
	if err != nil {
		return nil, err
	}
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if node = get(node, unescape.Replace(part)); node == nil {
			return nil, fmt.Errorf("%s has no %s", file, pointer)
		}
	}
	return node, nil
}
