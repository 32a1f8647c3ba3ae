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

// kept returns a raw query without the pairs that are ignored, whatever their values are.
func (p *parameters) kept(raw string) string {
	if raw == "" {
		return ""
	}
	var pairs []string
	for pair := range strings.SplitSeq(raw, "&") {
		escaped, _, _ := strings.Cut(pair, "=")
		text, err := url.QueryUnescape(escaped)
		if err == nil && p.has(text) || !p.ignores(text) {
			pairs = append(pairs, pair)
		}
	}
	return strings.Join(pairs, "&")
}

func (p *parameters) has(text string) bool {
	return slices.ContainsFunc(p.known, func(one name) bool { return one.text == text })
}

// ignores reports whether a parameter that is not known is ignored. Libraries of browsers add
// _=123 to get past caches.
func (p *parameters) ignores(text string) bool { return p.lax || strings.HasPrefix(text, "_") }

// check adds a fault for each unknown parameter, in the order of their names.
func (p *parameters) check(query url.Values, faults *domain.FaultList) {
	var unknown []string
	for text := range query {
		if !p.has(text) {
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
