// Package awskms keeps keys in the Key Management Service of AWS, or in a service that speaks its
// API. A store is awskms:region=eu-west-1, and a key has the attribute key-id besides: its id, its
// ARN, or an alias.
//
// It imports kms, and the SDK of AWS, which finds the credentials: in the environment, in the files
// that AWS_SHARED_CREDENTIALS_FILE names, or of the machine.
//
// What is not obvious: there is no Ed25519, because KMS signs whole messages with it, of at most
// 4096 bytes, and a revocation list is longer.
package awskms
