package tunnel

import (
	"slices"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/openvpn/kits"
)

// userFormats are the formats of profiles for a PC or a phone. The others are for routers.
var userFormats = []string{string(kits.OpenVPN), string(kits.Connect), string(kits.P12Profile)}

// FormatsFor returns those of a list that a client of a kind can use.
func FormatsFor(kind domain.ClientKind, list []ProfileFormat) []ProfileFormat {
	return slices.DeleteFunc(list, func(f ProfileFormat) bool { return checkUserFormat(kind, f.Name) != nil })
}

// checkUserFormat refuses the format of a router for a user.
func checkUserFormat(kind domain.ClientKind, format string) error {
	if kind != domain.Site2User || slices.Contains(userFormats, format) {
		return nil
	}
	return domain.Fault(domain.Invalid, "format", domain.ReasonChoice, strings.Join(userFormats, ", "))
}
