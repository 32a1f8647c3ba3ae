// Package oas checks requests against an OpenAPI document before a handler sees them. It is shared
// by the dialects.
//
// It imports echo, kin-openapi, domain and wire/form. It reports faults as *domain.Error: Malformed
// for what is wrong with the request itself (path, query, JSON), Required or Invalid with the
// field's path for what is wrong with a value. What is not obvious: the handler is bound to the
// very value that was validated, without the keys that the schema does not name, so that
// `{"name":"a","NAME":"b"}` can't smuggle in a second, unchecked name.
package oas
