// Package seal keeps secrets at rest: a [Keyring] encrypts them under a master key for the place
// where they are stored.
//
// It imports nothing of this module.
//
// What is not obvious: a secret opens only in the place that it was sealed for. So an attacker who
// can write to the database still can't swap the secrets of two rows.
package seal
