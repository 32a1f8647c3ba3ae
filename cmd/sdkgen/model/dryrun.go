package model

import (
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

const (
	dryRunParameter = "#/components/parameters/DryRunOnly"
	dryRunMedia     = "application/vnd.chaveiro.dry-run+json"
	streamMedia     = "text/event-stream"
)

// dryRun returns the twin of an operation that has a dry run: it asks for one, and is answered with
// what would be done. As a parameter, dry_run would make every method return two types. nil: the
// operation has none.
func (r *reader) dryRun(l located, o Operation) *Operation {
	takes := slices.ContainsFunc(l.operation.Parameters, func(p *openapi3.ParameterRef) bool {
		return p.Ref == dryRunParameter
	})
	if !takes {
		return nil
	}
	answer := r.source.Components.Schemas["DryRun"]
	if answer == nil {
		r.fault(o.At, "there is no schema DryRun, which %s can be answered with", o.ID)
		return nil
	}
	ref := r.ref(openapi3.NewSchemaRef("#/components/schemas/DryRun", answer.Value), "")
	twin := o
	twin.ID, twin.Name, twin.Path, twin.DryRun = o.ID+"DryRun", o.Name+"_dry_run", o.Path+"?dry_run=true", true
	twin.Aliases, twin.Result = nil, "dry_run"
	twin.Summary = "Tell what this would do: " + strings.ToLower(o.Summary[:min(1, len(o.Summary))]) +
		o.Summary[min(1, len(o.Summary)):]
	twin.Description = "Nothing is changed. A request that would be refused is refused as it would be. " + o.Description
	twin.Extensions = maps.Clone(o.Extensions)
	delete(twin.Extensions, "x-sdk-js-name")
	twin.Results = []Result{{
		Status: 200, Doc: "What it would do.", MediaTypes: []string{dryRunMedia}, Type: &ref, At: o.At,
	}}
	return &twin
}

// methodMedia returns the media types that the method of an operation asks for: not that of dry
// runs, which have methods of their own, and no stream of events beside another type.
func methodMedia(media []string) []string {
	media = slices.DeleteFunc(media, func(name string) bool { return name == dryRunMedia })
	if len(media) == 1 {
		return media
	}
	return slices.DeleteFunc(media, func(name string) bool { return name == streamMedia })
}
