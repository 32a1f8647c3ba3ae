package awskms

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	service "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"github.com/chaveiro/chaveiro/pkg/kms"
)

// AWS is the Key Management Service of a region.
type AWS struct {
	address address

	mu     sync.Mutex
	client *service.Client
}

// Open opens the service of a region. It does not reach for it.
func Open(store kms.URI) (kms.Provider, error) {
	address, err := readAddress(store)
	if err != nil {
		return nil, err
	}
	return &AWS{address: address}, nil
}

// ask returns what asks the service. The credentials are found at first use.
func (a *AWS) ask(ctx context.Context) (*service.Client, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.client != nil {
		return a.client, nil
	}
	options := []func(*config.LoadOptions) error{
		config.WithRegion(a.address.region), config.WithRetryMaxAttempts(1),
	}
	if a.address.profile != "" {
		options = append(options, config.WithSharedConfigProfile(a.address.profile))
	}
	found, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", kms.ErrAway, err)
	}
	a.client = service.NewFromConfig(found, func(o *service.Options) {
		if a.address.endpoint != "" {
			o.BaseEndpoint = aws.String(a.address.endpoint)
		}
	})
	return a.client, nil
}

// explain says which error of this module an answer is.
func explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if answer, ok := errors.AsType[smithy.APIError](err); ok {
		kind := kms.ErrAway // access denied, throttling, and all that may be over in a moment
		switch answer.ErrorCode() {
		case "NotFoundException":
			kind = kms.ErrNoKey
		case "InvalidArnException", "ValidationException", "UnsupportedOperationException", "InvalidKeyUsageException":
			kind = kms.ErrUnsupported
		case "InvalidCiphertextException", "IncorrectKeyException":
			kind = kms.ErrWrapped
		}
		return fmt.Errorf("%w: %s: %s", kind, answer.ErrorCode(), answer.ErrorMessage())
	}
	return fmt.Errorf("%w: %w", kms.ErrAway, err)
}

// specs are the algorithms as KMS names them.
var specs = map[string]types.KeySpec{
	"ecdsa-p256": types.KeySpecEccNistP256, "ecdsa-p384": types.KeySpecEccNistP384, "rsa-2048": types.KeySpecRsa2048,
	"rsa-3072": types.KeySpecRsa3072, "rsa-4096": types.KeySpecRsa4096,
}

// Find implements kms.Provider. The URI of the key has its id, not an alias, which may be another
// key's tomorrow.
func (a *AWS) Find(ctx context.Context, uri kms.URI) (kms.Key, error) {
	id, err := a.address.readKey(uri)
	if err != nil {
		return nil, err
	}
	client, err := a.ask(ctx)
	if err != nil {
		return nil, err
	}
	found, err := client.GetPublicKey(ctx, &service.GetPublicKeyInput{KeyId: &id})
	if err != nil {
		return nil, explain(err)
	}
	if found.KeyUsage != types.KeyUsageTypeSignVerify {
		return nil, fmt.Errorf("%w: the key does not sign", kms.ErrUnsupported)
	}
	public, err := x509.ParsePKIXPublicKey(found.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("%w: its public key can't be read", kms.ErrUnsupported)
	}
	return &key{a.address.uri.Key("key-id", aws.ToString(found.KeyId)), aws.ToString(found.KeyId), public, a}, nil
}

// Create implements kms.Provider.
func (a *AWS) Create(ctx context.Context, algorithm, label string) (kms.Key, error) {
	spec, ok := specs[algorithm]
	if !ok {
		return nil, fmt.Errorf("%w: %s in AWS KMS", kms.ErrUnsupported, algorithm)
	}
	client, err := a.ask(ctx)
	if err != nil {
		return nil, err
	}
	made, err := client.CreateKey(ctx, &service.CreateKeyInput{
		KeySpec: spec, KeyUsage: types.KeyUsageTypeSignVerify, Description: aws.String("Chaveiro: the CA " + label),
	})
	if err != nil {
		return nil, explain(err)
	}
	return a.Find(ctx, a.address.uri.Key("key-id", aws.ToString(made.KeyMetadata.KeyId)))
}

// days is how long a key that is discarded can be brought back: the least that KMS has.
const days = 7

// Discard implements kms.Provider. KMS removes the key in some days.
func (a *AWS) Discard(ctx context.Context, uri kms.URI) error {
	id, err := a.address.readKey(uri)
	if err != nil {
		return err
	}
	client, err := a.ask(ctx)
	if err == nil {
		_, err = client.ScheduleKeyDeletion(ctx, &service.ScheduleKeyDeletionInput{
			KeyId: &id, PendingWindowInDays: aws.Int32(days),
		})
	}
	return explain(err)
}

// Check implements kms.Provider: the service has to accept the credentials. ListKeys needs a right
// that a policy may not give; then the refusal shows that it is there.
func (a *AWS) Check(ctx context.Context) error {
	client, err := a.ask(ctx)
	if err != nil {
		return err
	}
	_, err = client.ListKeys(ctx, &service.ListKeysInput{Limit: aws.Int32(1)})
	if answer, ok := errors.AsType[smithy.APIError](err); ok && answer.ErrorCode() == "AccessDeniedException" {
		return nil
	}
	return explain(err)
}

// Close implements kms.Provider.
func (*AWS) Close() error { return nil }

// key is a key of KMS.
type key struct {
	uri    kms.URI
	id     string
	public crypto.PublicKey
	aws    *AWS
}

func (k *key) URI() kms.URI             { return k.uri }
func (k *key) Public() crypto.PublicKey { return k.public }

// Sign implements kms.Key.
func (k *key) Sign(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	algorithms := map[crypto.Hash][2]types.SigningAlgorithmSpec{
		crypto.SHA256: {types.SigningAlgorithmSpecEcdsaSha256, types.SigningAlgorithmSpecRsassaPkcs1V15Sha256},
		crypto.SHA384: {types.SigningAlgorithmSpecEcdsaSha384, types.SigningAlgorithmSpecRsassaPkcs1V15Sha384},
		crypto.SHA512: {types.SigningAlgorithmSpecEcdsaSha512, types.SigningAlgorithmSpecRsassaPkcs1V15Sha512},
	}
	both, ok := algorithms[opts.HashFunc()]
	if _, salted := opts.(*rsa.PSSOptions); salted || !ok {
		return nil, fmt.Errorf("%w: a signature of that kind", kms.ErrUnsupported)
	}
	algorithm := both[0]
	if _, ok := k.public.(*rsa.PublicKey); ok {
		algorithm = both[1]
	}
	client, err := k.aws.ask(ctx)
	if err != nil {
		return nil, err
	}
	signed, err := client.Sign(ctx, &service.SignInput{
		KeyId: &k.id, Message: digest, MessageType: types.MessageTypeDigest, SigningAlgorithm: algorithm,
	})
	if err != nil {
		return nil, explain(err)
	}
	return signed.Signature, nil
}
