package oas

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
)

// Digest is the SHA-256 of what a request asks for: its method, path, query and body. It comes
// after Validate, which has put all of them into one spelling: of JSON the value counts, not white
// space, the order of keys or keys that the document does not know. It leaves the body to be read.
func Digest(request *http.Request) (digest [sha256.Size]byte, err error) {
	hash := sha256.New()
	fmt.Fprintf(hash, "%s %s?%s\n", request.Method, request.URL.EscapedPath(), request.URL.RawQuery)
	switch body := request.Body.(type) {
	case *validated:
		err = json.NewEncoder(hash).Encode(body.value)
	case *received:
		hash.Write(body.data)
	default:
		if body != http.NoBody {
			err = fmt.Errorf("oas: a body of the type %T has no digest", body)
		}
	}
	hash.Sum(digest[:0])
	return digest, err
}

// received is a request body that has arrived whole.
type received struct {
	bytes.Reader
	data []byte
}

func newReceived(data []byte) *received { return &received{*bytes.NewReader(data), data} }

// Close implements io.Closer.
func (*received) Close() error { return nil }
