package model

import (
	"strings"
	"testing"
)

// TestRead_DryRun: an operation that takes dry_run is two, and neither has it as a parameter.
func TestRead_DryRun(t *testing.T) {
	t.Parallel()
	const takes = `
      parameters:
        - {$ref: '#/components/parameters/DryRunOnly'}
        - {name: other, in: query, schema: {type: string}}`
	const components = `
    DryRun: {type: object, properties: {changes: {type: boolean}}}
  parameters:
    DryRunOnly: {name: dry_run, in: query, schema: {type: boolean}}`
	d, err := readText(t, document(goodOperation+takes, goodSchemas+components))
	if err != nil {
		t.Fatal(err)
	}
	both := d.Groups[0].Operations
	if len(both) != 2 || both[0].DryRun || !both[1].DryRun {
		t.Fatalf("%+v", both)
	}
	for _, one := range both {
		if len(one.Parameters) != 1 || one.Parameters[0].Name != "other" {
			t.Errorf("%s takes %+v", one.Name, one.Parameters)
		}
	}
	twin := both[1]
	if twin.Name != both[0].Name+"_dry_run" || twin.Path != both[0].Path+"?dry_run=true" ||
		twin.Results[0].Type.Name != "DryRun" {
		t.Errorf("%+v", twin)
	}
	_, err = readText(t, document(goodOperation+takes, goodSchemas+strings.Replace(components, "DryRun:", "Other:", 1)))
	if err == nil || !strings.Contains(err.Error(), "no schema DryRun") {
		t.Error(err)
	}
}
