//go:build !pkcs11 || !cgo

package apptest

// Tags are the build tags of this program, with which that of the tests is built too.
const Tags = ""
