package main

import (
	"archive/zip"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
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
	if !f.isBegun() && checkTarget(f.key(), false) != nil {
		return refused("%s exists already: move it away, or use --name", f.key())
	}
	return nil
}

// isBegun reports whether a run was cut off: only then a link that was claimed can do.
func (f enrolFiles) isBegun() bool {
	_, err := os.Lstat(f.begun())
	return !errors.Is(err, fs.ErrNotExist)
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

// mapping is the file of nftables, where the networks of the site are seen as others.
func (f enrolFiles) mapping() string { return f.path(".nft") }

// finish writes the profile, and what came with it. It reports whether there is a mapping.
func (f enrolFiles) finish(answer []byte) (mapped bool, err error) {
	profile, mapping := answer, []byte(nil)
	if bytes.HasPrefix(answer, []byte("PK\x03\x04")) {
		if profile, mapping, err = unpackProfile(answer); err != nil {
			return false, err
		}
	}
	if mapping != nil {
		if err := replaceFile(f.mapping(), mapping, publicMode); err != nil {
			return false, err
		}
	}
	return mapping != nil, errors.Join(writeFile(f.profile(), profile, false, secretMode), os.Remove(f.begun()))
}

// unpackProfile returns the profile of an archive, and the mapping of networks, if there is one.
func unpackProfile(archive []byte) (profile, mapping []byte, err error) {
	files, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, nil, err
	}
	for _, file := range files.File {
		content, err := file.Open()
		if err != nil {
			return nil, nil, err
		}
		text, err := io.ReadAll(io.LimitReader(content, maxProfile))
		if err := errors.Join(err, content.Close()); err != nil {
			return nil, nil, err
		}
		switch filepath.Ext(file.Name) {
		case ".ovpn":
			profile = text
		case ".nft":
			mapping = text
		}
	}
	if profile == nil {
		return nil, nil, errors.New("there is no profile in what the server has sent")
	}
	return profile, mapping, nil
}
