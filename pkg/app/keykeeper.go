package app

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/masterkey"
	"github.com/chaveiro/chaveiro/pkg/seal"
)

// newKeeper keeps the master key of a server as the database says. A key of the environment never
// changes while the server runs.
func newKeeper(s StorageConfig, storage *Storage, log *slog.Logger) *masterkey.Keeper {
	return masterkey.NewKeeper(&masterkey.Keeper{
		Store: storage.Store, Keys: storage.Keys, Read: s.keyReader(), ID: rand.Text(), Name: processName(),
		Now: Now, Log: log,
	})
}

// keyReader returns a function that reads the master key. It asks a key store that has wrapped it
// only when the file has another text than before.
func (s StorageConfig) keyReader() func() (*seal.Keyring, error) {
	var (
		mu   sync.Mutex
		last [sha256.Size]byte
		keys *seal.Keyring
	)
	return func() (*seal.Keyring, error) {
		mu.Lock()
		defer mu.Unlock()
		text, err := os.ReadFile(s.masterKeyFile())
		if s.MasterKey == "" && err == nil && keys != nil && sha256.Sum256(text) == last {
			return keys, nil
		}
		read, err := s.existingKeyring()
		if err == nil {
			keys, last = read, sha256.Sum256(text)
		}
		return read, err
	}
}

// processName names this process for an operator.
func processName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "a host without a name"
	}
	return fmt.Sprintf("%s (process %d)", host, os.Getpid())
}

func (s *Server) masterKeyFault(context.Context) (string, error) {
	health := s.keeper.Health()
	return health.Fault, health.Err
}

// masterKeyGauges report which master key seals, and how much is still under an earlier one. They
// use what the last look has found, and ask nobody.
func (s *Server) masterKeyGauges() []prometheus.Collector {
	gauge := func(name, help string, value func(domain.MasterKey) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(
			prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return value(s.keeper.Health().Newest) },
		)
	}
	return []prometheus.Collector{
		gauge("chaveiro_master_key_version", "The version of the master key that seals this database.",
			func(k domain.MasterKey) float64 { return float64(k.Version) }),
		gauge("chaveiro_master_key_remaining",
			"Values that are still under an earlier master key, as a rotation has counted them last; -1: not counted.",
			func(k domain.MasterKey) float64 { return float64(k.Remaining) }),
		gauge("chaveiro_master_key_rotating", "1 from the beginning of a rotation of the master key to its end.",
			func(k domain.MasterKey) float64 {
				if k.Version > 0 && k.EndedAt.IsZero() {
					return 1
				}
				return 0
			}),
	}
}
