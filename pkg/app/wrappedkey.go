package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/chaveiro/chaveiro/pkg/kms"
	"github.com/chaveiro/chaveiro/pkg/seal"
)

// unwrapTime is how long a key store may take to give the master key.
const unwrapTime = 15 * time.Second

// plainKey returns the text of a master key, which a key store unwraps where it is wrapped. That
// happens at the start, and when the file has another text: nothing else asks the store.
func (s StorageConfig) plainKey(text []byte) ([]byte, error) {
	if !kms.IsWrapped(text) {
		return text, nil
	}
	return s.withKeyStores(func(ctx context.Context, stores *kms.Stores) ([]byte, error) {
		return stores.Unwrap(ctx, text)
	})
}

func (s StorageConfig) withKeyStores(
	do func(context.Context, *kms.Stores) ([]byte, error),
) (text []byte, err error) {
	stores, err := s.openKeyStores()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stores.Close()) }()
	ctx, cancel := context.WithTimeout(context.Background(), unwrapTime)
	defer cancel()
	return do(ctx, stores)
}

// WrapMasterKey returns the file of the master key wrapped under a key in a key store. It is read
// back before it is returned. Errors: those of the package kms.
func WrapMasterKey(s StorageConfig, key string) ([]byte, error) {
	plain, err := s.masterKeyText()
	if err != nil {
		return nil, err
	}
	return s.wrapText(key, plain)
}

func (s StorageConfig) wrapText(key string, plain []byte) ([]byte, error) {
	return s.withKeyStores(func(ctx context.Context, stores *kms.Stores) ([]byte, error) {
		wrapped, err := stores.Wrap(ctx, key, plain)
		if err != nil {
			return nil, err
		}
		again, err := stores.Unwrap(ctx, wrapped)
		if err == nil && string(again) != string(plain) {
			err = errors.New("the key store gives something else back")
		}
		return wrapped, err
	})
}

// UnwrapMasterKey returns the text of the master key itself, which opens all that is sealed.
func UnwrapMasterKey(s StorageConfig) ([]byte, error) { return s.masterKeyText() }

// masterKeyText reads the text of the present master key, which has to be a good one.
func (s StorageConfig) masterKeyText() ([]byte, error) {
	text := s.environmentKey()
	if s.MasterKey == "" {
		var err error
		if text, err = os.ReadFile(s.masterKeyFile()); err != nil {
			return nil, fmt.Errorf("master key: %w", err)
		}
	}
	plain, err := s.plainKey(text)
	if err == nil {
		_, err = seal.ParseKeyring(plain)
	}
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	return plain, nil
}
