package main

import (
	"errors"

	"github.com/chaveiro/chaveiro/pkg/app"
)

type wrapMasterKey struct {
	app.StorageConfig
	secretFile
	Key string `required:"" placeholder:"URI" help:"Key that encrypts, in a key store, as pkcs11:token=chaveiro;object=master or transit:mount=transit;name=master."`
}

// Run writes the wrapped key.
func (c *wrapMasterKey) Run() error {
	c.MasterKey = masterKey()
	return c.fetch(func() ([]byte, error) {
		text, err := app.WrapMasterKey(c.StorageConfig, c.Key)
		switch {
		case errors.Is(err, app.ErrKeyURI):
			err = misuse("--key: %v", err)
		case errors.Is(err, app.ErrNoKeyStore):
			err = notFound("--key: %v: see --key-stores", err)
		}
		return text, err
	})
}

type unwrapMasterKey struct {
	app.StorageConfig
	secretFile
}

// Run writes the key.
func (c *unwrapMasterKey) Run() error {
	c.MasterKey = masterKey()
	return c.fetch(func() ([]byte, error) { return app.UnwrapMasterKey(c.StorageConfig) })
}
