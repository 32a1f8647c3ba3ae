package openvpntest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

const configName = "server.conf"

// TryConfig starts a server with a configuration, in dir, where the files are that it names. It
// returns what the server says until it serves, and ends it. The error says why it does not serve.
// A machine that gives no tun device is no reason: OpenVPN has read everything else by then.
func TryConfig(ctx context.Context, dir, config string, args ...string) (log string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*startTimeout)
	defer cancel()
	binary, err := Find()
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, configName), []byte(config), 0o600); err != nil {
		return "", err
	}
	for attempt := 1; ; attempt++ {
		log, err := tryOnce(ctx, binary, dir, args)
		if err == nil || attempt == portAttempts || !portUsed.MatchString(log) {
			return log, err
		}
	}
}

// tryOnce lets the server listen at a port that is free, whatever the configuration says.
func tryOnce(ctx context.Context, binary, dir string, args []string) (log string, err error) {
	port, err := freePort()
	if err != nil {
		return "", err
	}
	p, err := startProcess(binary, dir, append([]string{
		"--config", configName, "--lport", strconv.Itoa(port), "--suppress-timestamps", "--ifconfig-noexec", "--route-noexec",
	}, args...)...)
	if err != nil {
		return "", err
	}
	defer p.end()
	err = p.await(ctx, 0, "Initialization Sequence Completed")
	log = p.log.since(0)
	if err != nil && !noTun.MatchString(log) {
		return log, fmt.Errorf("openvpntest: the configuration does not start: %w", err)
	}
	return log, nil
}
