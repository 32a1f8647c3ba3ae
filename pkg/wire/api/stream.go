package api

import (
	"bufio"
	"io"
	"net/http"

	"github.com/chaveiro/chaveiro/pkg/wire/oas"
)

// stream returns a file that write makes while it is sent. The error is that of write, if it has
// written nothing by then.
func stream(write func(io.Writer) error) (exported, error) {
	reader, writer := io.Pipe()
	// ends at the latest when the reader is closed
	go func() { writer.CloseWithError(write(writer)) }()
	file := exported{bufio.NewReader(reader), reader}
	if _, err := file.Peek(1); err != nil {
		return exported{}, err
	}
	return file, nil
}

// exported is a file that is still being written. A failure aborts the connection, so that no
// client takes a part of the file for the whole.
type exported struct {
	*bufio.Reader
	io.Closer
}

// WriteTo implements io.WriterTo, which io.Copy prefers.
func (e exported) WriteTo(w io.Writer) (int64, error) {
	if client, ok := w.(http.ResponseWriter); ok {
		w = oas.NewStream(client)
	}
	n, err := e.Reader.WriteTo(w)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return n, nil
}
