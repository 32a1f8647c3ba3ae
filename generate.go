// Package chaveiro is the root of the module; it only says how gen/ is made.
package chaveiro

//go:generate go run ./cmd/specbundle openapi/api/openapi.yaml gen/api
//go:generate go tool oapi-codegen -config openapi/api/oapi-codegen.yaml gen/api/server.gen.yaml
//go:generate go run ./cmd/specbundle openapi/pam/openapi.yaml gen/pam
//go:generate go tool oapi-codegen -config openapi/pam/oapi-codegen.yaml gen/pam/server.gen.yaml
//go:generate go run ./cmd/sdkgen gen/api/openapi.gen.yaml gen/pam/openapi.gen.yaml gen/sdk
