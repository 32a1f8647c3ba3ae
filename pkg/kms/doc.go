// Package kms uses keys that never leave a token, a vault or a cloud: it owns the URIs that name
// keys and the stores that they are in, the bounds of what is asked of a store, and the form of a
// text that is wrapped under such a key. Each kind of store is a [Provider] in a package below.
//
// It imports the standard library alone.
//
// What is not obvious: a store that is away is asked by one caller at a time, in the background.
// All others are refused at once, so nobody waits for a token that was pulled out.
package kms
