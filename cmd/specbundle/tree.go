package main

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// member is a member of a mapping.
type member struct {
	key   string
	value *yaml.Node
}

// members returns the members of a mapping in their order; none of anything else.
func members(node *yaml.Node) []member {
	if node == nil || node.Kind != yaml.MappingNode {
		return nil
	}
	var list []member
	for i := 0; i+1 < len(node.Content); i += 2 {
		list = append(list, member{node.Content[i].Value, node.Content[i+1]})
	}
	return list
}

// get returns a member of a mapping, or nil.
func get(node *yaml.Node, key string) *yaml.Node {
	for _, one := range members(node) {
		if one.key == key {
			return one.value
		}
	}
	return nil
}

// set sets a member of a mapping; a new one comes last.
func set(node *yaml.Node, key string, value *yaml.Node) {
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			node.Content[i+1] = value
			return
		}
	}
	node.Content = append(node.Content, word(key), value)
}

// drop takes a member out of a mapping.
func drop(node *yaml.Node, key string) {
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			node.Content = append(node.Content[:i:i], node.Content[i+2:]...)
			return
		}
	}
}

func mapping() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"} }

func sequence(items ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: items}
}

func word(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
}

func number(n int) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(n)}
}

// plain returns a copy of a node without aliases, merged mappings (<<), comments and styles.
func plain(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return plain(node.Alias)
	}
	tag := node.ShortTag()
	if tag == "!!timestamp" {
		tag = "!!str" // JSON has none
	}
	out := &yaml.Node{Kind: node.Kind, Tag: tag, Value: node.Value, Line: node.Line}
	if node.Kind == yaml.ScalarNode && strings.Contains(node.Value, "\n") {
		out.Style = yaml.LiteralStyle
	}
	if node.Kind != yaml.MappingNode {
		for _, child := range node.Content {
			out.Content = append(out.Content, plain(child))
		}
		return out
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], plain(node.Content[i+1])
		if key.ShortTag() != "!!merge" {
			set(out, key.Value, value)
			continue
		}
		for _, merged := range members(value) {
			set(out, merged.key, merged.value)
		}
	}
	return out
}
