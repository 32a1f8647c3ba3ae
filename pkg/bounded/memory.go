package bounded

// MaxKept bounds what [Remember] keeps in one map.
const MaxKept = 10000

// Remember keeps a value, and forgets all others when there are MaxKept.
func Remember[K comparable, V any](known map[K]V, key K, value V) {
	if len(known) >= MaxKept {
		clear(known)
	}
	known[key] = value
}
