package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app"
)

// childCommand makes this program run as one of its own children; the argument after it is a
// childConfig.
const childCommand = "child"

// childConfig says what a child serves.
type childConfig struct {
	Listen  string
	Floor   bool
	Open    bool              // the product, but it accepts every request
	Storage app.StorageConfig // of the product; the floor reads there, too
	Scratch string            // the database that the floor writes to
	Profile string            // file for a CPU profile

	Telemetry app.TelemetryConfig // of the product
}

// runChild serves until standard input ends, which it also does when the parent dies.
func runChild(ctx context.Context, text string) (err error) {
	var config childConfig
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	if config.Profile != "" {
		file, err := os.Create(config.Profile)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	if config.Floor {
		app.RelaxGC() // as the product does
		return serveFloor(ctx, config)
	}
	log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo}))
	// Traces are measured by themselves.
	if err := os.Setenv("OTEL_LOGS_EXPORTER", "none"); err != nil {
		return err
	}
	product := app.Config{
		StorageConfig: config.Storage, TelemetryConfig: config.Telemetry,
		Listen: config.Listen, CRLLife: 720 * time.Hour, SigningKeyLife: 720 * time.Hour,
		ShutdownTimeout: 10 * time.Second, WebhookAllow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	}
	if config.Open {
		return serveOpen(ctx, product, log)
	}
	return app.Run(ctx, product, log)
}

// serve serves with the same kind of server as the product, with the same time-outs.
func serve(ctx context.Context, address string, handler http.Handler) error {
	server := &http.Server{
		Addr: address, Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute,
		WriteTimeout: 3 * time.Minute,
		IdleTimeout:  2 * time.Minute, MaxHeaderBytes: 32 << 10,
	}
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// child is a running server.
type child struct {
	base   string // URL
	cmd    *exec.Cmd
	stdin  io.Closer
	log    string
	client *http.Client
}

// startChild starts a server and waits until it answers. The caller stops it.
func startChild(ctx context.Context, name, dir string, config childConfig) (*child, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	config.Listen = address
	text, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{
		base: "http://" + address, cmd: exec.Command(self, childCommand, string(text)),
		log: filepath.Join(dir, name+".log"),
	}
	c.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100, DisableCompression: true}}
	log, err := os.Create(c.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	c.cmd.Stderr = log
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	return c, c.waitReady(ctx)
}

// freeAddress finds a port; it is unlikely that another process takes it before the child does.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

func (c *child) waitReady(ctx context.Context) error {
	for range 1000 {
		if _, err := c.do(ctx, call{method: "GET", path: "/healthz"}); err == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return errors.Join(fmt.Errorf("%s does not answer; its log ends with:\n%s", c.base, logTail(c.log)), c.stop())
}

func logTail(path string) string {
	text, _ := os.ReadFile(path)
	return string(text[max(0, len(text)-2000):])
}

// stop shuts the server down in order, so that its profile is written.
func (c *child) stop() error { return errors.Join(c.stdin.Close(), c.cmd.Wait()) }

// ticks is the processor time that the server has used.
func (c *child) ticks() int64 {
	now, _ := readProcess(c.cmd.Process.Pid)
	return now.ticks
}

// waitIdle waits until the server is idle.
func (c *child) waitIdle(ctx context.Context) {
	for ctx.Err() == nil {
		before := c.ticks()
		time.Sleep(200 * time.Millisecond)
		if c.ticks()-before <= 1 {
			return
		}
	}
}

// call is one request; an answer with another status than want (0: 200) is an error.
type call struct {
	method, path  string
	authorization string
	body          []byte
	media         string // empty: JSON
	ifNoneMatch   string
	want          int
}

// reply is the part of an answer that is kept.
type reply struct {
	size int64
	etag string
}

func (c *child) do(ctx context.Context, in call) (reply, error) { return c.exchange(ctx, in, nil) }

// exchange makes one request and decodes the answer into out, unless that is nil.
func (c *child) exchange(ctx context.Context, in call, out any) (reply, error) {
	request, err := http.NewRequestWithContext(ctx, in.method, c.base+in.path, bytes.NewReader(in.body))
	if err != nil {
		return reply{}, err
	}
	for name, value := range map[string]string{"Authorization": in.authorization, "If-None-Match": in.ifNoneMatch} {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	if in.body != nil {
		request.Header.Set("Content-Type", cmp.Or(in.media, "application/json"))
	}
	answer, err := c.client.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer answer.Body.Close()
	if want := max(in.want, http.StatusOK); answer.StatusCode != want {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1000))
		return reply{}, fmt.Errorf("%s %s: %s instead of %d: %s", in.method, in.path, answer.Status, want, text)
	}
	if out != nil {
		return reply{}, json.NewDecoder(answer.Body).Decode(out)
	}
	size, err := io.Copy(io.Discard, answer.Body)
	return reply{size: size, etag: answer.Header.Get("ETag")}, err
}
