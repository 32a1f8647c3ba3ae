package wire

import "github.com/oasdiff/yaml"

// documentYAML is the OpenAPI document in its other encoding.
func documentYAML(asJSON []byte) ([]byte, error) { return yaml.JSONToYAML(asJSON) }
