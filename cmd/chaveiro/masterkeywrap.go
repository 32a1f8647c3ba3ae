package main

import "github.com/chaveiro/chaveiro/pkg/app"

type wrapMasterKey struct {
	app.StorageConfig
	secretFile
	Key string `required:"" placeholder:"URI" help:"Key that encrypts, in a key store, as pkcs11:token=chaveiro;object=master or transit:mount=transit;name=master."`
}

// Run writes the wrapped key.
func (c *wrapMasterKey) Run() error {
	c.MasterKey = masterKey()
	return c.fetch(func() ([]byte, error) { return app.WrapMasterKey(c.StorageConfig, c.Key) })
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
