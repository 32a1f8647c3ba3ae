package main

import (
	"context"
	"io"
	"os"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// keyFlags are what is asked of a new certificate and of its key.
type keyFlags struct {
	Expires       life   `placeholder:"DURATION" help:"Life of the certificate in whole days, as 365d (default: 3650d, or until the CA ends)."`
	KeyAlgorithm  string `aliases:"algorithm" placeholder:"NAME" help:"ecdsa-p256 (default), ecdsa-p384, ed25519, rsa-2048, rsa-3072 or rsa-4096."`
	CSR           string `name:"csr" placeholder:"FILE" help:"File with a request (PKCS #10) in PEM: the certificate is for its key, which stays where it is."`
	PasswordStdin bool   `xor:"password" help:"Encrypt the key with the password in the first line of the standard input."`
	AskPassword   bool   `xor:"password" help:"Encrypt the key with a password that is asked for at the terminal."`
}

// spec reads the files and asks for the password. The password is empty for a key that is not
// encrypted.
func (f keyFlags) spec(ctx context.Context) (domain.KeySpec, error) {
	spec := domain.KeySpec{Algorithm: f.KeyAlgorithm}
	var err error
	if f.CSR != "" {
		if spec.Request, err = readInput(f.CSR); err != nil {
			return spec, err
		}
	}
	if !f.PasswordStdin && !f.AskPassword {
		return spec, nil
	}
	spec.Password, err = passwordSource{f.PasswordStdin}.password(ctx, "Password of the key")
	if err == nil && spec.Password == "" {
		err = misuse("the password is empty")
	}
	return spec, err
}

// maxInput is the largest file that a command reads as a whole, in octets.
const maxInput = 64 << 20

// readInput reads a file that an argument names.
func readInput(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readAll(file, path)
}

// readAll reads a file that is called name.
func readAll(file io.Reader, name string) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(file, maxInput+1))
	if err == nil && len(content) > maxInput {
		err = misuse("%s is larger than %d MiB", name, maxInput>>20)
	}
	return content, err
}
