package openvpn

import (
	"maps"
	"slices"
)

// Reasons lists every Reason, for those who translate them.
func Reasons() []Reason { return slices.Sorted(maps.Keys(reasonTexts)) }
