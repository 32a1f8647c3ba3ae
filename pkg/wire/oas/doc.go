// Package oas checks requests against an OpenAPI document before a handler sees them. It is shared
// by the dialects.
//
// It imports echo, kin-openapi, domain and wire/form. What it finds at fault it returns as
// *domain.Error: Malformed for what is wrong with the request itself (path, query, JSON), Required
// or Invalid with the field's path for what is wrong with a value. What is not obvious: the handler
// is bound to the very value that was validated, with every key removed that the schema does not
// name, so that `{"name":"a","NAME":"b"}` can't smuggle a second, unchecked name in.
package oas
