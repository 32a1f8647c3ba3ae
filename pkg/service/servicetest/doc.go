// Package servicetest has what the tests of the use cases share: a world, which is one replica of
// all services on a database of its own, and the ways in which tests speak of it. Tests import it
// with a dot: its names are their vocabulary.
package servicetest
