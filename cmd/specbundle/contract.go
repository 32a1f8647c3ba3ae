package main

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// ofServer are the extensions that only the server's own code reads. Other generators take some of
// them for their own, x-go-type for example.
var ofServer = []string{"x-go-type", "x-go-type-skip-optional-pointer", "x-charset", "x-reason"}

const (
	served         = "x-served"
	everyOperation = "x-every-operation"
	everyDryRun    = "x-every-dry-run"
	everyResponse  = "x-every-response"

	dryRunParameter = "#/components/parameters/DryRunOnly"
)

// serverOf returns the document that the server is generated from. Its integers have no format
// int32: they are the int of Go, and a value beyond it has one fault, not two.
func serverOf(doc *yaml.Node) *yaml.Node {
	server := plain(doc)
	strip(server, served, everyOperation, everyDryRun, everyResponse)
	plainIntegers(server)
	return server
}

func plainIntegers(node *yaml.Node) {
	if format := get(node, "format"); format != nil && format.Value == "int32" {
		drop(node, "format")
	}
	for _, child := range node.Content {
		plainIntegers(child)
	}
}

// contractOf returns the document of the contract.
func contractOf(doc *yaml.Node) *yaml.Node {
	contract := plain(doc)
	strip(contract, ofServer...)
	overlay(contract)
	for _, path := range members(get(contract, "paths")) {
		for _, operation := range members(path.value) {
			if get(operation.value, "responses") != nil {
				merge(operation.value, get(contract, everyOperation))
				addDryRun(operation.value, get(contract, everyDryRun))
			}
		}
	}
	addToResponses(contract, get(contract, everyResponse))
	drop(contract, everyOperation)
	drop(contract, everyDryRun)
	drop(contract, everyResponse)
	prune(contract)
	return contract
}

// addDryRun adds the answer of a dry run to the success of an operation that takes the parameter,
// unless that has no body: OpenAPI can't say that a body may be missing, and clients would expect
// one of every answer.
func addDryRun(operation, answer *yaml.Node) {
	parameters := get(operation, "parameters")
	if parameters == nil {
		return
	}
	success := get(get(operation, "responses"), "200")
	for _, parameter := range parameters.Content {
		ref := get(parameter, "$ref")
		if ref != nil && ref.Value == dryRunParameter && get(success, "content") != nil {
			merge(success, answer)
		}
	}
}

// prune takes out the components that only the server refers to.
func prune(doc *yaml.Node) {
	components := get(doc, "components")
	for {
		used := map[string]bool{}
		collectRefs(doc, used)
		pruned := false
		for _, kind := range members(components) {
			for _, one := range members(kind.value) {
				if kind.key != "securitySchemes" && !used["#/components/"+kind.key+"/"+one.key] {
					drop(kind.value, one.key)
					pruned = true
				}
			}
		}
		if !pruned {
			return
		}
	}
}

func collectRefs(node *yaml.Node, used map[string]bool) {
	if ref := get(node, "$ref"); ref != nil {
		used[ref.Value] = true
	}
	for _, child := range node.Content {
		collectRefs(child, used)
	}
}

// strip takes members of these names out, at every depth.
func strip(node *yaml.Node, names ...string) {
	for _, one := range members(node) {
		if slices.Contains(names, one.key) {
			drop(node, one.key)
		}
	}
	for _, child := range node.Content {
		strip(child, names...)
	}
}

// overlay puts what x-served has in the place of what stands beside it; null takes it out.
func overlay(node *yaml.Node) {
	if over := get(node, served); over != nil {
		drop(node, served)
		if get(over, "$ref") != nil {
			node.Content = nil
		}
		for _, one := range members(over) {
			if one.value.Tag == "!!null" {
				drop(node, one.key)
				continue
			}
			set(node, one.key, one.value)
		}
	}
	for _, child := range node.Content {
		overlay(child)
	}
}

// merge adds the members of more that node lacks, at every depth.
func merge(node, more *yaml.Node) {
	for _, one := range members(more) {
		if there := get(node, one.key); there != nil {
			merge(there, one.value)
			continue
		}
		set(node, one.key, plain(one.value))
	}
}

// addToResponses merges more into every response that is written out.
func addToResponses(doc, more *yaml.Node) {
	var all []member
	for _, path := range members(get(doc, "paths")) {
		for _, operation := range members(path.value) {
			all = append(all, members(get(operation.value, "responses"))...)
		}
	}
	all = append(all, members(get(get(doc, "components"), "responses"))...)
	for _, response := range all {
		if get(response.value, "$ref") == nil {
			merge(response.value, more)
		}
	}
}
