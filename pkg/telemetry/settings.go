package telemetry

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Signal is a kind of what is sent.
type Signal string

// The signals.
const (
	Traces Signal = "traces"
	Logs   Signal = "logs"
)

// Settings say what is sent, and where to. The exporters read more themselves: headers, time-out,
// compression and certificates.
type Settings struct {
	// Endpoint is the base address of the collector; empty: that of OTEL_EXPORTER_OTLP_ENDPOINT. It
	// goes before that.
	Endpoint string
	// Name and Version of the program, attributes of all that is sent; without a name it is
	// chaveiro. OTEL_SERVICE_NAME goes before.
	Name, Version string
	// Getenv reads the environment.
	Getenv func(string) string
}

// Validate checks the address, and that the protocol is one that is there.
func (s Settings) Validate() error {
	var faults []error
	for _, signal := range []Signal{Traces, Logs} {
		if !s.Sends(signal) {
			continue
		}
		for _, err := range []error{s.checkEndpoint(signal), s.checkProtocol(signal)} {
			if err != nil && !slices.ContainsFunc(faults, func(e error) bool { return e.Error() == err.Error() }) {
				faults = append(faults, err)
			}
		}
	}
	faults = append(faults, s.checkQueues())
	if s.Sends(Traces) || s.Sends(Logs) {
		faults = append(faults, s.checkVariables())
	}
	return errors.Join(faults...)
}

// Sends reports whether a signal is sent at all.
func (s Settings) Sends(signal Signal) bool {
	off := strings.EqualFold(s.Getenv("OTEL_SDK_DISABLED"), "true")
	return !off && s.of(signal, "OTEL_%s_EXPORTER") != "none" && s.endpoint(signal) != ""
}

// endpoint is the base address, or the whole one of the signal.
func (s Settings) endpoint(signal Signal) string {
	if own := s.own(signal); own != "" {
		return own
	}
	if s.Endpoint != "" {
		return s.Endpoint
	}
	return s.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT")
}

// own is the address for the signal alone.
func (s Settings) own(signal Signal) string { return s.of(signal, "OTEL_EXPORTER_OTLP_%s_ENDPOINT") }

// address is the address that the exporter has to be told; empty: it reads its own.
func (s Settings) address(signal Signal) string {
	if s.Endpoint == "" || s.own(signal) != "" {
		return ""
	}
	return strings.TrimSuffix(s.Endpoint, "/") + "/v1/" + string(signal)
}

func (s Settings) of(signal Signal, name string) string {
	return s.Getenv(fmt.Sprintf(name, strings.ToUpper(string(signal))))
}

// checkEndpoint quotes nothing: the address may have a password.
func (s Settings) checkEndpoint(signal Signal) error {
	name := "OTEL_EXPORTER_OTLP_ENDPOINT"
	switch {
	case s.own(signal) != "":
		name = fmt.Sprintf("OTEL_EXPORTER_OTLP_%s_ENDPOINT", strings.ToUpper(string(signal)))
	case s.Endpoint != "":
		name = "otlp-endpoint"
	}
	u, err := url.Parse(s.endpoint(signal))
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%s is not an http or https URL, as http://localhost:4318", name)
	case u.User != nil:
		return fmt.Errorf("%s has a password: put it into OTEL_EXPORTER_OTLP_HEADERS", name)
	}
	return nil
}

func (s Settings) checkProtocol(signal Signal) error {
	protocol := s.of(signal, "OTEL_EXPORTER_OTLP_%s_PROTOCOL")
	if protocol == "" {
		protocol = s.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL")
	}
	if protocol != "" && protocol != "http/protobuf" {
		return fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL is %.20q, and http/protobuf is the only one that is there", protocol)
	}
	if exporter := s.of(signal, "OTEL_%s_EXPORTER"); exporter != "" && exporter != "otlp" {
		return fmt.Errorf("OTEL_%s_EXPORTER is neither otlp nor none", strings.ToUpper(string(signal)))
	}
	return nil
}

// defaultQueue is the size of a queue that OpenTelemetry's specification has.
const defaultQueue = 2048

var queueNames = map[Signal]string{Traces: "OTEL_BSP_MAX_QUEUE_SIZE", Logs: "OTEL_BLRP_MAX_QUEUE_SIZE"}

// queue is how many records may wait for the collector.
func (s Settings) queue(signal Signal) (int, error) {
	text := s.Getenv(queueNames[signal])
	if text == "" {
		return defaultQueue, nil
	}
	size, err := strconv.Atoi(text)
	if err != nil || size < 1 || size > 1<<20 {
		return 0, fmt.Errorf("%s is not between 1 and %d", queueNames[signal], 1<<20)
	}
	return size, nil
}

func (s Settings) checkQueues() error {
	_, traces := s.queue(Traces)
	_, logs := s.queue(Logs)
	return errors.Join(traces, logs)
}
