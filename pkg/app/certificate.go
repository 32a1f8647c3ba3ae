package app

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// expiryWarning is how long before the expiry of the TLS certificate the warnings begin. For a
	// certificate with a short life they begin in its last quarter.
	expiryWarning = 14 * 24 * time.Hour
	// warnInterval is how often the warning is repeated.
	warnInterval = 24 * time.Hour
)

// certificateFiles are the server's TLS certificate and key. They are read again when the files
// change. When the new pair is not valid, the last valid one stays in use.
type certificateFiles struct {
	certificate, key string
	log              *slog.Logger
	// current is the pair in use, never nil once the files were read. reload stores it; handshakes
	// and the metric load it without mu.
	current atomic.Pointer[tls.Certificate]

	// mu guards all that follows. It is held while both files are read, and for a comparison.
	mu       sync.Mutex
	seen     [2]fileStamp
	warnedAt time.Time
}

// fileStamp tells whether a file has changed.
type fileStamp struct {
	modified time.Time
	size     int64
}

// openCertificate reads the files for the first time.
func openCertificate(certificate, key string, log *slog.Logger) (*certificateFiles, error) {
	f := &certificateFiles{certificate: certificate, key: key, log: log}
	if err := f.reload(); err != nil {
		return nil, err
	}
	f.warn(time.Now())
	return f, nil
}

func (f *certificateFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return f.current.Load(), nil
}

// reload reads both files.
func (f *certificateFiles) reload() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = f.stamps()
	pair, err := tls.LoadX509KeyPair(f.certificate, f.key)
	if err != nil {
		return fmt.Errorf("TLS certificate: %w", err)
	}
	now, old := time.Now(), f.current.Load()
	if old != nil && now.After(pair.Leaf.NotAfter) && now.Before(old.Leaf.NotAfter) {
		return errors.New("TLS certificate: the new one has expired")
	}
	f.current.Store(&pair)
	f.warnedAt = time.Time{}
	return nil
}

func (f *certificateFiles) stamps() (stamps [2]fileStamp) {
	for i, path := range []string{f.certificate, f.key} {
		if info, err := os.Stat(path); err == nil {
			stamps[i] = fileStamp{info.ModTime(), info.Size()}
		}
	}
	return stamps
}

// refresh reads the files if they have changed or force is set, and warns when the certificate
// expires soon.
func (f *certificateFiles) refresh(force bool) {
	f.mu.Lock()
	changed := f.stamps() != f.seen
	f.mu.Unlock()
	if changed || force {
		if err := f.reload(); err != nil {
			f.log.Error("the TLS certificate was not reloaded: the one before stays", "error", err)
		} else {
			f.log.Info("TLS certificate reloaded", "not_after", f.current.Load().Leaf.NotAfter)
		}
	}
	f.warn(time.Now())
}

// warn logs once a day that the certificate expires soon.
func (f *certificateFiles) warn(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	leaf := f.current.Load().Leaf
	notice := min(expiryWarning, leaf.NotAfter.Sub(leaf.NotBefore)/4)
	if now.Before(leaf.NotAfter.Add(-notice)) || now.Sub(f.warnedAt) < warnInterval {
		return
	}
	f.warnedAt = now
	f.log.Warn("the TLS certificate ends soon or has ended", "not_after", leaf.NotAfter, "file", f.certificate)
}

func (f *certificateFiles) gauge() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "chaveiro_tls_certificate_expires_seconds", Help: "Seconds until the TLS certificate of the server ends.",
	}, func() float64 { return time.Until(f.current.Load().Leaf.NotAfter).Seconds() })
}
