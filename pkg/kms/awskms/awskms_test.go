package awskms_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	service "github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/chaveiro/chaveiro/pkg/kms"
	"github.com/chaveiro/chaveiro/pkg/kms/awskms"
	"github.com/chaveiro/chaveiro/pkg/kms/kmstest"
)

// TestAWS runs the suite against moto, which does not know the type DIGEST of a message: it hashes
// what it is given once more. So this does not show that AWS signs the digest itself.
func TestAWS(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	endpoint := kmstest.NewMoto(t, "moto/requirements.txt")
	store, err := kms.ParseURI("awskms:region=eu-west-1?endpoint=" + endpoint)
	if err != nil {
		t.Fatal(err)
	}
	provider, err := awskms.Open(store)
	if err != nil {
		t.Fatal(err)
	}
	kmstest.Suite{
		Provider: provider, Store: store, Kept: true, Rehashed: true,
		Absent:     store.Key("key-id", "00000000-0000-4000-8000-000000000000"),
		Algorithms: []string{"ecdsa-p256", "ecdsa-p384", "rsa-2048"}, Refused: []string{"ed25519", "dsa"},
		Wrapping: func(t *testing.T) kms.URI { return store.Key("key-id", symmetric(t, endpoint)) },
	}.Run(t)
}

// symmetric makes a key that encrypts, and returns its id.
func symmetric(t *testing.T, endpoint string) string {
	t.Helper()
	found, err := config.LoadDefaultConfig(context.Background(), config.WithRegion("eu-west-1"))
	if err != nil {
		t.Fatal(err)
	}
	client := service.NewFromConfig(found, func(o *service.Options) { o.BaseEndpoint = &endpoint })
	made, err := client.CreateKey(t.Context(), &service.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(made.KeyMetadata.KeyId)
}
