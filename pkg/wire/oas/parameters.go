package oas

import (
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// parameters are the names of an operation's query parameters.
type parameters struct {
	known []name
	list  string // the names, for people
	// lax: unknown parameters are ignored.
	lax bool
}

// parametersOf reads the query parameters of an operation. A public one is lax: the address of a
// revocation list stands in the settings of programs that add parameters of their own, and a token
// endpoint must ignore what it does not recognise (RFC 6749, section 3.2).
func parametersOf(item *openapi3.PathItem, operation *openapi3.Operation, public bool) *parameters {
	var texts []string
	for _, list := range []openapi3.Parameters{item.Parameters, operation.Parameters} {
		for _, parameter := range list {
			if parameter.Value.In == openapi3.ParameterInQuery {
				texts = append(texts, parameter.Value.Name)
			}
		}
	}
	return &parameters{known: namesOf(texts), list: strings.Join(texts, ", "), lax: public}
}

// check adds a fault for each unknown parameter, in the order of their names, and takes those out
// that are ignored.
func (p *parameters) check(query url.Values, faults *domain.FaultList) {
	var unknown []string
	for text := range query {
		switch {
		case slices.ContainsFunc(p.known, func(one name) bool { return one.text == text }):
		case p.lax || strings.HasPrefix(text, "_"): // browsers' libraries add _=123 to get past caches
			delete(query, text)
		default:
			unknown = append(unknown, text)
		}
	}
	slices.Sort(unknown)
	for i := 0; i < len(unknown) && !faults.Full(); i++ {
		faults.Add(p.fault(unknown[i]))
	}
}

func (p *parameters) fault(text string) error {
	field := printable(text)
	if near := nearest(text, p.known); near != "" {
		return domain.Fault(domain.Malformed, field, domain.ReasonParameter, near)
	}
	if p.list == "" {
		return domain.Fault(domain.Malformed, field, domain.ReasonNoParameters)
	}
	return domain.Fault(domain.Malformed, field, domain.ReasonParameters, p.list)
}
