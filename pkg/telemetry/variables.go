package telemetry

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
)

// samplers are the values of OTEL_TRACES_SAMPLER that the SDK has.
var samplers = []string{
	"always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off",
	"parentbased_traceidratio",
}

// exporterVariables are those that each signal has of its own too, after OTEL_EXPORTER_OTLP_ or
// OTEL_EXPORTER_OTLP_TRACES_. Without a check the SDK would go on without what is not valid, and
// quote it in the log, where a header has no place.
var exporterVariables = map[string]func(string) error{
	"TIMEOUT":     wholeNumber(1),
	"COMPRESSION": checkCompression,
	"HEADERS":     checkPairs,
	"CERTIFICATE": checkAuthorities,
}

// checkVariables checks what the SDK reads from the environment. Its errors name the variable and
// what is allowed, and quote nothing.
func (s Settings) checkVariables() error {
	all := map[string]func(string) error{
		"OTEL_TRACES_SAMPLER": oneOf(samplers...), "OTEL_TRACES_SAMPLER_ARG": checkRatio,
		"OTEL_RESOURCE_ATTRIBUTES": checkPairs, "OTEL_SDK_DISABLED": oneOf("true", "false"),
	}
	for name, check := range exporterVariables {
		for _, place := range []string{"", "TRACES_", "LOGS_"} {
			all["OTEL_EXPORTER_OTLP_"+place+name] = check
		}
	}
	for _, queue := range []string{"OTEL_BSP_", "OTEL_BLRP_"} {
		for name, least := range map[string]int{"SCHEDULE_DELAY": 0, "EXPORT_TIMEOUT": 0, "MAX_EXPORT_BATCH_SIZE": 1} {
			all[queue+name] = wholeNumber(least)
		}
	}
	faults := []error{s.checkPair("OTEL_EXPORTER_OTLP_"), s.checkPair("OTEL_EXPORTER_OTLP_TRACES_"),
		s.checkPair("OTEL_EXPORTER_OTLP_LOGS_")}
	for name, check := range all {
		if text := s.Getenv(name); text != "" {
			if err := check(text); err != nil {
				faults = append(faults, fmt.Errorf("%s %w", name, err))
			}
		}
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return errors.Join(faults...)
}

// checkPair checks that the certificate of a client and its key are there and belong together.
func (s Settings) checkPair(place string) error {
	certificate, key := s.Getenv(place+"CLIENT_CERTIFICATE"), s.Getenv(place+"CLIENT_KEY")
	if certificate == "" && key == "" {
		return nil
	}
	if _, err := tls.LoadX509KeyPair(certificate, key); err != nil {
		return fmt.Errorf("%sCLIENT_CERTIFICATE and …CLIENT_KEY are no certificate with its key, in PEM", place)
	}
	return nil
}

// oneOf takes capitals too, as the SDK does.
func oneOf(values ...string) func(string) error {
	return func(text string) error {
		if slices.Contains(values, strings.ToLower(strings.TrimSpace(text))) {
			return nil
		}
		return fmt.Errorf("is none of %s", strings.Join(values, ", "))
	}
}

// checkCompression takes what the SDK does, which knows no capitals here.
func checkCompression(text string) error {
	if text != "gzip" && text != "none" {
		return errors.New("is neither gzip nor none")
	}
	return nil
}

func wholeNumber(least int) func(string) error {
	return func(text string) error {
		if n, err := strconv.Atoi(text); err != nil || n < least || n > 1<<31-1 {
			return fmt.Errorf("is no whole number from %d", least)
		}
		return nil
	}
}

func checkRatio(text string) error {
	if ratio, err := strconv.ParseFloat(text, 64); err != nil || !(ratio >= 0 && ratio <= 1) {
		return errors.New("is no number from 0 to 1")
	}
	return nil
}

// checkPairs checks a list as name=value,name=value, percent-encoded.
func checkPairs(text string) error {
	for pair := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(pair, "=")
		_, err := url.PathUnescape(value)
		if !ok || strings.TrimSpace(name) == "" || err != nil {
			return errors.New("is not name=value, several with commas, percent-encoded")
		}
	}
	return nil
}

func checkAuthorities(path string) error {
	text, err := os.ReadFile(path)
	if err != nil || !x509.NewCertPool().AppendCertsFromPEM(text) {
		return errors.New("is no file with certificates in PEM")
	}
	return nil
}
