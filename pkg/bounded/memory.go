package bounded

// MaxKept is the maximum number of entries that [Remember] keeps in a map.
const MaxKept = 10000

// Remember stores a value in a map. When the map has MaxKept entries, it first evicts all of them.
func Remember[K comparable, V any](known map[K]V, key K, value V) {
	if len(known) >= MaxKept {
		clear(known)
	}
	known[key] = value
}
