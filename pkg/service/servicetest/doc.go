// Package servicetest has what the tests of the use cases share: a world, which is one replica of
// all services on a database of its own, and the helpers for it. Tests import it with a dot, so
// that its names read as their vocabulary.
package servicetest
