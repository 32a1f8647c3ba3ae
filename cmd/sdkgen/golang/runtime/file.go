package chaveiro

import (
	"context"
	"io"
	"mime"
	"net/http"
)

// A File is an answer that is not JSON. It must be closed, which Bytes does.
type File struct {
	Name        string // from Content-Disposition; empty: it has none
	MediaType   string // as application/x-pem-file
	Header      http.Header
	NotModified bool // 304: it is the one that the request names, and there is nothing to read
	body        io.ReadCloser
}

func newFile(response *http.Response) *File {
	f := &File{
		Header: response.Header, NotModified: response.StatusCode == http.StatusNotModified, body: response.Body,
	}
	f.MediaType, _, _ = mime.ParseMediaType(response.Header.Get("Content-Type"))
	if _, parameters, err := mime.ParseMediaType(response.Header.Get("Content-Disposition")); err == nil {
		f.Name = parameters["filename"]
	}
	return f
}

// Read implements io.Reader.
func (f *File) Read(p []byte) (int, error) { return f.body.Read(p) }

// Close ends the answer.
func (f *File) Close() error { return f.body.Close() }

// Bytes reads the whole file and closes it.
func (f *File) Bytes() ([]byte, error) {
	data, err := io.ReadAll(f)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	return data, nil
}

// stream is the body of a file. It ends the context of its request, and its errors are those of
// calls.
type stream struct {
	io.ReadCloser
	ctx     context.Context
	request *request
	end     func()
}

// Read implements io.Reader.
func (s *stream) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = classify(s.ctx, s.request, err)
	}
	return n, err
}

// Close implements io.Closer.
func (s *stream) Close() error {
	defer s.end()
	return s.ReadCloser.Close()
}
