package oas

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// Digest is the SHA-256 of what a request asks for: its method, path, query and body. It comes
// after Validate, which has put all of them into one spelling: of JSON the value counts, not white
// space, the order of keys or keys that the document does not know.
func Digest(request *http.Request) (digest [sha256.Size]byte, err error) {
	hash := sha256.New()
	fmt.Fprintf(hash, "%s %s?%s\n", request.Method, request.URL.EscapedPath(), request.URL.RawQuery)
	switch body := request.Body.(type) {
	case nil:
	case *validated:
		err = json.NewEncoder(hash).Encode(body.value)
	default:
		var data []byte
		data, err = io.ReadAll(body)
		hash.Write(data)
		request.Body = io.NopCloser(bytes.NewReader(data))
	}
	hash.Sum(digest[:0])
	return digest, err
}
