package wire

import (
	"sync"

	"github.com/oasdiff/yaml"

	gen "github.com/chaveiro/chaveiro/gen/api"
	genpam "github.com/chaveiro/chaveiro/gen/pam"
)

// encodings read an OpenAPI document in both of them, once in a process and not before somebody
// asks: the second takes half as long as a start.
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
