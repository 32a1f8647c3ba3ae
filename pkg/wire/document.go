package wire

import (
	"sync"

	"github.com/oasdiff/yaml"

	gen "github.com/chaveiro/chaveiro/gen/api"
	genpam "github.com/chaveiro/chaveiro/gen/pam"
)

// encodings are an OpenAPI document in both of them.
type encodings struct{ asJSON, asYAML []byte }

// The documents of the dialects, encoded once in a process.
var (
	apiDocument = sync.OnceValues(func() (encodings, error) { return encode(gen.GetSpecJSON) })
	pamDocument = sync.OnceValues(func() (encodings, error) { return encode(genpam.GetSpecJSON) })
)

func encode(read func() ([]byte, error)) (encodings, error) {
	asJSON, err := read()
	if err != nil {
		return encodings{}, err
	}
	asYAML, err := yaml.JSONToYAML(asJSON)
	return encodings{asJSON, asYAML}, err
}
