package kits

import (
	"fmt"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/openvpn"
)

// parseOpenVPN reads a configuration. An inline block is a directive with its content.
func parseOpenVPN(t testing.TB, text []byte) []Directive {
	t.Helper()
	read, err := openvpn.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	found := make([]Directive, len(read))
	for i, d := range read {
		found[i] = Directive{d.Name, d.Parameters}
		if d.Inline {
			found[i] = Directive{"<" + d.Name + ">", []string{d.Block}}
		}
	}
	return found
}

// shapeOpenVPN is a configuration without the values that a site chooses: the names of directives,
// with the number of their arguments.
func shapeOpenVPN(t testing.TB, text []byte) []string {
	t.Helper()
	var shape []string
	for _, d := range parseOpenVPN(t, text) {
		shape = append(shape, fmt.Sprintf("%s %d", d.Name, len(d.Args)))
	}
	return shape
}
