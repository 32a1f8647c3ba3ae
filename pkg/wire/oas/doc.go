// Package oas checks requests against an OpenAPI document before a handler sees them. It is shared
// by the dialects.
//
// It imports echo, kin-openapi, domain and wire/form. It reports faults as *domain.Error: Malformed
// for what is wrong with the request itself (path, query, JSON), Required or Invalid with the
// field's path for what is wrong with a value. Names that a request gets wrong are told with the
// nearest known one; foreign ones in a body are ignored.
//
// What is not obvious: the handler is bound to the very value that was validated, without the keys
// that the schema does not name, so that no other spelling of a key, nor a foreign one, can smuggle
// in an unchecked value.
package oas
