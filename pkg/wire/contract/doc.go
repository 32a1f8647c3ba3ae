// Package contract holds the tests of the OpenAPI documents as they are served: our own rules, the
// examples, the rules of Redocly, and that nothing that was released is broken without a word.
//
// It imports nothing of this module, and has no code beside tests. `make contract` runs all of it;
// go test alone leaves out what needs other programs.
package contract
