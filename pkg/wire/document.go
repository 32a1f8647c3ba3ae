package wire

import (
	"sync"

	"github.com/oasdiff/yaml"

	gen "github.com/chaveiro/chaveiro/gen/api"
	genpam "github.com/chaveiro/chaveiro/gen/pam"
)

// encodings reads an OpenAPI document in both encodings, each once per process and on first use:
// making the YAML takes half as long as the start of the process.
type encodings struct {
	asJSON, asYAML func() ([]byte, error)
}

var (
	apiDocument = newEncodings(gen.GetSpecJSON)
	pamDocument = newEncodings(genpam.GetSpecJSON)
)

func newEncodings(read func() ([]byte, error)) encodings {
	asJSON := sync.OnceValues(read)
	return encodings{asJSON, sync.OnceValues(func() ([]byte, error) {
		text, err := asJSON()
		if err != nil {
			return nil, err
		}
		return yaml.JSONToYAML(text)
	})}
}
