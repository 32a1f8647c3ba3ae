package awskms

import (
	"context"

	service "github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/chaveiro/chaveiro/pkg/kms"
)

// purpose is what the ciphertext is bound to, and what the log of AWS shows of it.
var purpose = map[string]string{"purpose": "chaveiro master key"}

// Wrap implements kms.Provider, with a symmetric key.
func (a *AWS) Wrap(ctx context.Context, uri kms.URI, secret []byte) ([]byte, error) {
	id, err := a.address.readKey(uri)
	if err != nil {
		return nil, err
	}
	client, err := a.ask(ctx)
	if err != nil {
		return nil, err
	}
	out, err := client.Encrypt(ctx, &service.EncryptInput{KeyId: &id, Plaintext: secret, EncryptionContext: purpose})
	if err != nil {
		return nil, explain(err)
	}
	return out.CiphertextBlob, nil
}

// Unwrap implements kms.Provider.
func (a *AWS) Unwrap(ctx context.Context, uri kms.URI, wrapped []byte) ([]byte, error) {
	id, err := a.address.readKey(uri)
	if err != nil {
		return nil, err
	}
	client, err := a.ask(ctx)
	if err != nil {
		return nil, err
	}
	out, err := client.Decrypt(ctx, &service.DecryptInput{
		KeyId: &id, CiphertextBlob: wrapped, EncryptionContext: purpose,
	})
	if err != nil {
		return nil, explain(err)
	}
	return out.Plaintext, nil
}
