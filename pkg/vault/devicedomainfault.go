package vault

import (
	"strings"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// toldDomains is how many domains an error names when several have the same short name.
const toldDomains = 5

// deviceDomainFault returns the fault of a text for which the look-up found these domains; nil if
// it found exactly one.
func deviceDomainFault(found []domain.DeviceDomain) *domain.Error {
	switch len(found) {
	case 0:
		return domain.Fault(domain.NotFound, "device_domain", domain.ReasonNotFound)
	case 1:
		return nil
	}
	names := make([]string, 0, toldDomains+1)
	for i, d := range found {
		if i == toldDomains {
			names = append(names, "…")
			break
		}
		names = append(names, d.Name)
	}
	return domain.Fault(domain.Invalid, "device_domain", domain.ReasonShortName, strings.Join(names, ", "))
}

// firstDeviceDomainFault returns the fault of the first text that has one. It is a copy, so the
// caller may set its position.
func firstDeviceDomainFault(texts []string, fault func(key string) *domain.Error) *domain.Error {
	for _, text := range texts {
		if f := fault(domain.NameKey(text)); f != nil {
			placed := *f
			return &placed
		}
	}
	return nil
}
