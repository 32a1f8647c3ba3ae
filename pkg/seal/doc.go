// Package seal keeps secrets at rest: a [Keyring] encrypts them under a master key for the place where they are stored.
//
// It imports the standard library alone.
//
// What is not obvious: a sealed secret is bound to its place. Moved to another row it does not open, so whoever can write to the
// database can't put one secret where another is expected.
package seal
