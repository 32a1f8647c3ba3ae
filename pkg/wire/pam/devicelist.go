package pam

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	gen "github.com/chaveiro/chaveiro/gen/pam"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/vault"
	"github.com/chaveiro/chaveiro/pkg/wire/oas"
)

// ListDevices implements the operation listDevices: the devices that are in use. The list has no
// pages.
func (h devices) ListDevices(
	ctx context.Context, _ gen.ListDevicesRequestObject,
) (gen.ListDevicesResponseObject, error) {
	list, err := h.service.InUse(ctx)
	if err != nil {
		return nil, err
	}
	return deviceList{ctx, list}, nil
}

// deviceList writes what gen.ListDevices200JSONResponse would write, but while the devices are
// read.
type deviceList struct {
	ctx  context.Context // of the request that this answers
	list *vault.DeviceList
}

// listBuffer is how much of the list is written at once.
const listBuffer = 64 << 10

var errEnvelope = errors.New("pam: the envelope has no list of devices")

// VisitListDevicesResponse implements gen.ListDevicesResponseObject. A failure after the first
// device aborts the connection, so that no client takes a part of the list for the whole.
func (a deviceList) VisitListDevicesResponse(w http.ResponseWriter) error {
	begin, end, err := a.envelope()
	if err != nil {
		return err
	}
	out := &listWriter{w: w, buffer: bufio.NewWriterSize(oas.NewStream(w), listBuffer), begin: begin}
	if err := a.list.Each(a.ctx, out.add); err != nil {
		return out.fail(err)
	}
	if err := out.start(); err != nil {
		return out.fail(err)
	}
	out.buffer.Write(end) // the buffer keeps the error until Flush
	if err := out.buffer.Flush(); err != nil {
		return out.fail(err)
	}
	return nil
}

// envelope returns what comes before and after the devices.
func (a deviceList) envelope() (begin, end []byte, err error) {
	var text bytes.Buffer
	err = json.NewEncoder(&text).Encode(gen.ListDevices200JSONResponse{
		Code: http.StatusOK, Response: succeeded(http.StatusOK, fmt.Sprintf("%d devices found", a.list.Count())),
		Devices: []gen.DeviceItem{},
	})
	begin, end, found := bytes.Cut(text.Bytes(), []byte(`"devices":[]`))
	if err == nil && !found {
		err = errEnvelope
	}
	return append(bytes.Clone(begin), `"devices":[`...), append([]byte{']'}, end...), err
}

// listWriter writes devices as the items of a JSON list.
type listWriter struct {
	w       http.ResponseWriter
	buffer  *bufio.Writer
	begin   []byte
	started bool
	items   int
}

// start writes what comes before the first device. It is called when that device has been read, so
// that a failure before it can still be answered.
func (l *listWriter) start() error {
	if l.started {
		return nil
	}
	l.started = true
	l.w.Header().Set("Content-Type", "application/json")
	l.w.WriteHeader(http.StatusOK)
	_, err := l.buffer.Write(l.begin)
	return err
}

func (l *listWriter) add(some []domain.Device) error {
	if err := l.start(); err != nil {
		return err
	}
	for _, d := range some {
		text, err := json.Marshal(convertItem(d))
		if err != nil {
			return err
		}
		if l.items++; l.items > 1 {
			text = append([]byte{','}, text...)
		}
		if _, err := l.buffer.Write(text); err != nil {
			return err
		}
	}
	return nil
}

// fail returns the error if it can still be answered; otherwise it aborts the connection.
func (l *listWriter) fail(err error) error {
	if l.started {
		panic(http.ErrAbortHandler)
	}
	return err
}
