package model

import (
	"maps"
	"slices"
	"strings"
)

const (
	dryRunParameter    = "dry_run"
	dryRunParameterRef = "#/components/parameters/DryRunOnly"
	dryRunMedia        = "application/vnd.chaveiro.dry-run+json"
)

// dryRun returns the twin of an operation that has a dry run: it asks for one, and is answered with
// what would be done. As a parameter, dry_run would make every method return two types. nil: the
// operation has none.
func (r *reader) dryRun(l located, o Operation) *Operation {
	answer := l.operation.Responses.Value("200")
	if answer == nil || answer.Value.Content[dryRunMedia] == nil {
		return nil
	}
	twin := o
	twin.ID, twin.Name, twin.Path, twin.DryRun = o.ID+"DryRun", o.Name+"_dry_run", o.Path+"?dry_run=true", true
	twin.Aliases, twin.Result = nil, dryRunParameter
	twin.Summary = "Tell what this would do: " + strings.ToLower(o.Summary[:min(1, len(o.Summary))]) +
		o.Summary[min(1, len(o.Summary)):]
	twin.Description = "Nothing is changed. A request that would be refused is refused as it would be. " + o.Description
	twin.Extensions = maps.Clone(o.Extensions)
	delete(twin.Extensions, "x-sdk-js-name")
	ref := r.contentType(answer.Value.Content[dryRunMedia], false, o.At, "the dry run of "+o.ID)
	twin.Results = []Result{{
		Status: 200, Doc: "What it would do.", MediaTypes: []string{dryRunMedia}, Type: &ref, At: o.At,
	}}
	return &twin
}

// withoutDryRun returns the media types of an answer without that of dry runs, which their own
// operations have.
func withoutDryRun(media []string) []string {
	return slices.DeleteFunc(media, func(name string) bool { return name == dryRunMedia })
}
