package app

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chaveiro/chaveiro/pkg/masterkey"
	"github.com/chaveiro/chaveiro/pkg/service"
	"github.com/chaveiro/chaveiro/pkg/telemetry"
	"github.com/chaveiro/chaveiro/pkg/wire"
)

// The limits of a connection.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = time.Minute
	writeTimeout      = 3 * time.Minute // an RSA key may have to wait for its turn
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 32 << 10
)

// Run serves until ctx ends, and returns when the running requests have ended and everything is
// closed.
func Run(ctx context.Context, config Config, log *slog.Logger) error {
	if err := config.Validate(); err != nil {
		return err
	}
	if err := config.readLevel(); err != nil {
		return err
	}
	log.InfoContext(ctx, "configuration", "config", config)
	RelaxGC()
	LimitMemory(log)
	config.Anew = config.NewDatabase
	sent, err := telemetry.Start(ctx, config.telemetry(), log)
	if err != nil {
		return err
	}
	defer sent.Close()
	config.Telemetry = sent
	return alone(config, func() error { return run(ctx, config, sent.Log) })
}

// alone runs the only server that an SQLite file may have.
func alone(config Config, run func() error) error {
	if err := config.finishRestore(); err != nil {
		return err
	}
	if err := config.lookForKey().refuse(errors.Is(config.requireDatabase(), ErrNoDatabase)); err != nil {
		return err
	}
	if err := config.makeDirectory(); err != nil {
		return err
	}
	release, err := LockServer(config.StorageConfig)
	if err != nil {
		return err
	}
	return errors.Join(run(), release())
}

func run(ctx context.Context, config Config, log *slog.Logger) error {
	storage, err := OpenStorage(ctx, config.StorageConfig, config.AutoMigrate, log)
	if err != nil {
		return err
	}
	if err := checkFloor(ctx, config.StorageConfig, storage); err != nil {
		return errors.Join(err, storage.Close())
	}
	if config.ReadURL != "" {
		lag := cmp.Or(config.ReadLag, defaultReadLag)
		if err := storage.Store.ReadFrom(ctx, string(config.ReadURL), lag, log); err != nil {
			return errors.Join(fmt.Errorf("read-url: %w", err), storage.Close())
		}
	}
	server, err := NewServer(ctx, config, storage, log)
	if err != nil {
		return errors.Join(err, storage.Close())
	}
	return errors.Join(server.serve(ctx), storage.Close())
}

// gcPercent lets the heap grow to five times the live heap before it is collected.
const gcPercent = 400

// RelaxGC makes the garbage collector run less often, unless GOGC in the environment sets how
// often. The live heap is a few megabytes, so that costs little memory and saves a tenth of the
// work of a read.
func RelaxGC() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// Server is the service without its listener.
type Server struct {
	Handler  http.Handler
	Services *service.Services
	config   Config
	storage  *Storage
	log      *slog.Logger
	draining atomic.Bool // set once, when the shutdown begins; readiness loads it

	certificate *certificateFiles // nil: plain http

	readiness *readiness
	probe     *writeProbe
	clock     *clockCheck
	keeper    *masterkey.Keeper
}

// NewServer wires services and handler. It fails when the master key is not the one that the
// database was sealed with.
func NewServer(ctx context.Context, config Config, storage *Storage, log *slog.Logger) (*Server, error) {
	storage.tellSlow(config.SlowQuery, log)
	services, err := storage.Services(ctx, config, log)
	if err != nil {
		return nil, err
	}
	s := &Server{
		Services: services, config: config, storage: storage, log: log, probe: newWriteProbe(), clock: newClockCheck(),
	}
	s.keeper = newKeeper(config.StorageConfig, storage, log)
	s.readiness = newReadiness(s.checks(), log)
	if config.TLSCertificate != "" {
		if s.certificate, err = openCertificate(config.TLSCertificate, config.TLSKey, log); err != nil {
			return nil, err
		}
	}
	s.Handler, err = wire.New(wire.Config{
		Services: services, Ready: s.ready, ExternalURL: string(config.ExternalURL),
		TrustedProxies: config.TrustedProxies, PAMChanged: config.PAMChanged,
		Timeout: config.RequestTimeout, Metrics: s.registry(), Now: Now, Log: log, Spans: config.spans(),
	})
	return s, err
}

// serve listens until ctx ends, then drains.
func (s *Server) serve(ctx context.Context) error {
	listener, err := s.listen()
	if err != nil {
		return err
	}
	profiles, err := s.profiles()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	requests, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	server := &http.Server{
		BaseContext: func(net.Listener) context.Context { return requests },
		Handler:     s.Handler, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout,
		IdleTimeout:  idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	server.RegisterOnShutdown(s.Services.Stream.Drain) // streams end when requests are waited for
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var workers sync.WaitGroup
	workers.Go(func() { s.Services.Run(background) })
	workers.Go(func() { s.watch(background) })
	workers.Go(func() { s.tellEnd(background) })
	workers.Go(func() { s.keepFloor(background) })
	workers.Go(func() { s.keeper.Keep(background) })
	workers.Go(func() { s.storage.KeyStores.Keep(background, s.log) })
	workers.Go(func() { profiles.serve(background) })
	failed, replaced := make(chan error, 1), make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	workers.Go(func() { s.watchFile(background, replaced) })
	s.warnOfPlainHTTP(listener.Addr())
	s.log.InfoContext(ctx, "listening", "address", listener.Addr().String())
	select {
	case err = <-failed:
	case err = <-replaced:
		err = errors.Join(err, s.drain(server))
	case <-ctx.Done():
		err = s.drain(server)
	}
	cut()
	stop()
	workers.Wait()
	return err
}

func (s *Server) listen() (net.Listener, error) {
	listener, err := net.Listen("tcp", s.config.Listen)
	if err != nil || s.certificate == nil {
		return listener, err
	}
	config := &tls.Config{
		GetCertificate: s.certificate.get, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
	}
	if s.config.ClientCertificates {
		config.ClientAuth = tls.RequestClientCert // of any issuer: fingerprints decide which one is valid
	}
	return tls.NewListener(listener, config), nil
}

// drain tells load balancers first, then lets the running requests end. Requests that do not end in
// time are cut off: nothing of them is stored any more.
func (s *Server) drain(server *http.Server) error {
	s.draining.Store(true)
	s.log.Info("draining", "delay", s.config.DrainDelay, "timeout", s.config.ShutdownTimeout)
	time.Sleep(s.config.DrainDelay)
	ctx, cancel := context.WithTimeout(context.Background(), s.config.ShutdownTimeout)
	defer cancel()
	err := server.Shutdown(ctx)
	if err != nil {
		err = fmt.Errorf(
			"requests were cut off that did not end within %s: %w", s.config.ShutdownTimeout,
			errors.Join(err, server.Close()),
		)
	}
	s.log.Info("stopped")
	return err
}
