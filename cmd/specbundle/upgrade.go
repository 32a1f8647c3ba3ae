package main

import "go.yaml.in/yaml/v3"

// upgrade turns an OpenAPI 3.0 document into one of 3.1, whose schemas are those of JSON Schema
// 2020-12.
func upgrade(doc *yaml.Node) {
	set(doc, "openapi", word("3.1.1"))
	for _, schema := range members(get(get(doc, "components"), "schemas")) {
		upgradeSchema(schema.value)
	}
	upgradeBelow(doc)
}

// upgradeBelow upgrades the schemas of parameters, headers and media types. What is an example is
// left alone.
func upgradeBelow(node *yaml.Node) {
	for _, one := range members(node) {
		switch one.key {
		case "schema":
			upgradeSchema(one.value)
		case "schemas", "example", "examples":
		default:
			upgradeBelow(one.value)
		}
	}
	if node.Kind == yaml.SequenceNode {
		for _, item := range node.Content {
			upgradeBelow(item)
		}
	}
}

func upgradeSchema(schema *yaml.Node) {
	for _, property := range members(get(schema, "properties")) {
		upgradeSchema(property.value)
	}
	for _, key := range []string{"items", "additionalProperties", "not"} {
		if inner := get(schema, key); inner != nil && inner.Kind == yaml.MappingNode {
			upgradeSchema(inner)
		}
	}
	for _, key := range []string{"allOf", "oneOf", "anyOf"} {
		if list := get(schema, key); list != nil {
			for _, inner := range list.Content {
				upgradeSchema(inner)
			}
		}
	}
	upgradeKeywords(schema)
}

// upgradeKeywords replaces the keywords of a schema that 3.1 has no more, and says what a file is.
func upgradeKeywords(schema *yaml.Node) {
	if example := get(schema, "example"); example != nil {
		drop(schema, "example")
		set(schema, "examples", sequence(example))
	}
	// Some generators know a file by its format still, which 3.1 takes for an annotation.
	if format := get(schema, "format"); format != nil && format.Value == "binary" {
		set(schema, "contentMediaType", word("application/octet-stream"))
	}
	nullable := get(schema, "nullable")
	if nullable == nil {
		return
	}
	drop(schema, "nullable")
	if nullable.Value == "true" {
		admitNull(schema)
	}
}

// admitNull lets a schema accept null in the way of JSON Schema.
func admitNull(schema *yaml.Node) {
	null := mapping()
	set(null, "type", word("null"))
	switch kind, all := get(schema, "type"), get(schema, "allOf"); {
	case all != nil:
		either := all
		if len(all.Content) > 1 {
			both := mapping()
			set(both, "allOf", all)
			either = sequence(both)
		}
		drop(schema, "allOf")
		drop(schema, "type")
		set(schema, "anyOf", sequence(append(either.Content[:len(either.Content):len(either.Content)], null)...))
	case kind != nil:
		set(schema, "type", sequence(word(kind.Value), word("null")))
	}
}
