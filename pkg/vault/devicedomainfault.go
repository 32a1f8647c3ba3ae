package vault

import (
	"strings"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// toldDomains is how many of the domains that have one short name an error names.
const toldDomains = 5

// deviceDomainFault is what is wrong with a text for which these domains were found; nil when that
// is one.
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

// firstDeviceDomainFault is the fault of the first of the texts that has one. Each call makes
// another, which the caller may place.
func firstDeviceDomainFault(texts []string, fault func(key string) *domain.Error) *domain.Error {
	for _, text := range texts {
		if f := fault(domain.NameKey(text)); f != nil {
			placed := *f
			return &placed
		}
	}
	return nil
}
