// Package contract holds the tests of the OpenAPI documents as they are served: our own rules, the
// examples, the rules of Redocly, that nothing that was released is broken without a word, that a
// running server does what the documents say, and that public generators make clients of them.
//
// It imports nothing of this module but what runs the program, and has no code beside tests. `make
// contract` runs all of it; go test alone leaves out what needs other programs.
package contract
