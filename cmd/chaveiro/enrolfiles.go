package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// enrolFiles are the files of an enrolment: the key, the profile, and as long as the profile is not
// there, the token by which the server knows that it is asked by the same machine again.
type enrolFiles struct {
	dir, name string
	token     string
	request   []byte // PKCS #10 in PEM
}

func (f enrolFiles) key() string     { return f.path(".key") }
func (f enrolFiles) profile() string { return f.path(".conf") }
func (f enrolFiles) begun() string   { return f.path(".enrol") }

func (f enrolFiles) path(end string) string {
	dir, err := filepath.Abs(f.dir)
	if err != nil {
		dir = f.dir
	}
	return filepath.Join(dir, f.name+end)
}

// check refuses a machine that is enrolled, so that no key is lost.
func (f enrolFiles) check() error {
	if info, err := os.Stat(f.dir); err != nil || !info.IsDir() {
		return refused("%s is no directory", f.dir)
	}
	if err := checkTarget(f.profile(), false); err != nil {
		return refused("%s exists already: move it away, or use --name", f.profile())
	}
	_, err := os.Lstat(f.begun())
	if errors.Is(err, fs.ErrNotExist) && checkTarget(f.key(), false) != nil {
		return refused("%s exists already: move it away, or use --name", f.key())
	}
	return nil
}

// prepare makes the token and the key, or reads those of a run that was cut off. Both are on disk
// before anything is sent.
func (f *enrolFiles) prepare() error {
	token, err := os.ReadFile(f.begun())
	if errors.Is(err, fs.ErrNotExist) {
		token = []byte(rand.Text())
		err = writeFile(f.begun(), token, false, secretMode)
	}
	if err != nil {
		return err
	}
	f.token = strings.TrimSpace(string(token))
	key, err := f.readKey()
	if err != nil {
		return err
	}
	template := x509.CertificateRequest{Subject: pkix.Name{CommonName: f.name}}
	der, err := x509.CreateCertificateRequest(rand.Reader, &template, key)
	f.request = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	return err
}

// readKey reads the key, or makes it (ECDSA P-256, PKCS #8).
func (f *enrolFiles) readKey() (*ecdsa.PrivateKey, error) {
	text, err := os.ReadFile(f.key())
	if errors.Is(err, fs.ErrNotExist) {
		return f.makeKey()
	}
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, refused("%s has no key of an enrolment", f.key())
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if own, ok := key.(*ecdsa.PrivateKey); ok {
		return own, nil
	}
	return nil, errors.Join(refused("%s has no key of an enrolment", f.key()), err)
}

func (f *enrolFiles) makeKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return key, writeFile(f.key(), text, false, secretMode)
}

// finish writes the profile.
func (f enrolFiles) finish(profile []byte) error {
	return errors.Join(writeFile(f.profile(), profile, false, secretMode), os.Remove(f.begun()))
}
