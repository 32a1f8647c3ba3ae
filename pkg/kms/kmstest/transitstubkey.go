package kmstest

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// stubKey is a key of a stub. Its versions are a [crypto.Signer] or a [cipher.AEAD] each; version 1
// is the first.
type stubKey struct {
	kind      string
	versions  []any
	made      time.Time
	deletable bool
}

const wrappingKind = "aes256-gcm96"

// newVersion makes the material of a key.
func newVersion(kind string) (any, error) {
	switch kind {
	case wrappingKind:
		secret := make([]byte, 32)
		rand.Read(secret)
		block, err := aes.NewCipher(secret)
		if err != nil {
			return nil, err
		}
		return cipher.NewGCMWithRandomNonce(block)
	case "ed25519":
		_, key, err := ed25519.GenerateKey(nil)
		return key, err
	case "rsa-2048":
		return rsa.GenerateKey(rand.Reader, 2048)
	}
	curve := map[string]elliptic.Curve{"ecdsa-p256": elliptic.P256(), "ecdsa-p384": elliptic.P384()}[kind]
	if curve == nil {
		return nil, fmt.Errorf("the stub makes no keys of the type %q", kind)
	}
	return ecdsa.GenerateKey(curve, rand.Reader)
}

// answerTransit answers what is asked of the secrets engine: operation/NAME, keys/NAME/what.
func (s *TransitStub) answerTransit(method, path string, in object) reply {
	operation, name, _ := strings.Cut(path, "/")
	name, part, _ := strings.Cut(name, "/")
	key := s.keys[name]
	switch {
	case operation == "keys" && part == "" && method == http.MethodGet && key == nil:
		return reply{status: http.StatusNotFound, errors: []string{}}
	case operation == "keys" && part == "" && (method == http.MethodPut || method == http.MethodPost):
		return s.createKey(name, in)
	case key == nil:
		return refuse(http.StatusBadRequest, "no such key")
	}
	switch operation + " " + part {
	case "keys ":
		if method == http.MethodGet {
			return reply{status: http.StatusOK, data: key.data(name)}
		}
		return s.deleteKey(name)
	case "keys config":
		key.deletable, _ = in["deletion_allowed"].(bool)
		return done
	case "keys rotate":
		return key.rotate()
	case "sign ":
		return key.sign(in)
	case "encrypt ":
		return key.encrypt(in)
	case "decrypt ":
		return key.decrypt(in)
	}
	return reply{status: http.StatusNotFound, errors: []string{}}
}

func (s *TransitStub) createKey(name string, in object) reply {
	if s.keys[name] != nil {
		return done
	}
	kind, _ := in["type"].(string)
	key := &stubKey{kind: kind, made: time.Now()}
	made := key.rotate()
	if made.status == done.status {
		s.keys[name] = key
	}
	return made
}

func (s *TransitStub) deleteKey(name string) reply {
	if !s.keys[name].deletable {
		return refuse(http.StatusBadRequest, "deletion_allowed is false")
	}
	delete(s.keys, name)
	return done
}

func (k *stubKey) rotate() reply {
	version, err := newVersion(k.kind)
	if err != nil {
		return refuse(http.StatusBadRequest, err.Error())
	}
	k.versions = append(k.versions, version)
	return done
}

func (k *stubKey) data(name string) object {
	versions := object{}
	for i, version := range k.versions {
		versions[strconv.Itoa(i+1)] = k.public(version)
	}
	wraps, rsaKey := k.kind == wrappingKind, k.kind == "rsa-2048"
	return object{
		"allow_plaintext_backup": false, "auto_rotate_period": 0, "deletion_allowed": k.deletable, "derived": false,
		"exportable": false, "imported_key": false, "keys": versions, "latest_version": len(k.versions),
		"min_available_version": 0, "min_decryption_version": 1, "min_encryption_version": 0, "name": name,
		"supports_decryption": wraps || rsaKey, "supports_derivation": wraps || k.kind == "ed25519",
		"supports_encryption": wraps || rsaKey, "supports_signing": !wraps, "type": k.kind,
	}
}

// public is what is told of a version: the time of an AES key, or the public key.
func (k *stubKey) public(version any) any {
	signer, ok := version.(crypto.Signer)
	if !ok {
		return k.made.Unix()
	}
	name := map[string]string{"ecdsa-p256": "P-256", "ecdsa-p384": "P-384"}[k.kind]
	if name == "" {
		name = k.kind
	}
	var text string
	if octets, ok := signer.Public().(ed25519.PublicKey); ok {
		text = base64.StdEncoding.EncodeToString(octets)
	} else {
		der, _ := x509.MarshalPKIXPublicKey(signer.Public())
		text = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	}
	return object{"name": name, "public_key": text, "creation_time": k.made.Format(time.RFC3339Nano)}
}

func (k *stubKey) sign(in object) reply {
	number, _ := in["key_version"].(float64)
	version := int(number)
	if version == 0 {
		version = len(k.versions)
	}
	if version < 1 || version > len(k.versions) {
		return refuse(http.StatusInternalServerError, "no such version")
	}
	key, ok := k.versions[version-1].(crypto.Signer)
	digest, err := octets(in, "input")
	if !ok || err != nil {
		return refuse(http.StatusBadRequest, "this key does not sign, or there is no input")
	}
	names := map[any]crypto.Hash{"sha2-256": crypto.SHA256, "sha2-384": crypto.SHA384, "sha2-512": crypto.SHA512}
	hash := names[in["hash_algorithm"]]
	if k.kind == "ed25519" {
		hash = 0
	} else if in["prehashed"] != true || in["signature_algorithm"] != "pkcs1v15" || in["marshaling_algorithm"] != "asn1" {
		return refuse(http.StatusBadRequest, "the stub signs digests only: PKCS #1 v1.5, or ECDSA in ASN.1")
	}
	signature, err := key.Sign(rand.Reader, digest, hash)
	if err != nil {
		return refuse(http.StatusBadRequest, err.Error())
	}
	return reply{status: http.StatusOK, data: object{"signature": encode(version, signature), "key_version": version}}
}

func octets(in object, name string) ([]byte, error) {
	text, _ := in[name].(string)
	return base64.StdEncoding.DecodeString(text)
}

func encode(version int, octets []byte) string {
	return fmt.Sprintf("vault:v%d:%s", version, base64.StdEncoding.EncodeToString(octets))
}

func (k *stubKey) encrypt(in object) reply {
	version := len(k.versions)
	key, ok := k.versions[version-1].(cipher.AEAD)
	plain, err := octets(in, "plaintext")
	if !ok || err != nil {
		return refuse(http.StatusBadRequest, "this key does not encrypt, or there is no plaintext")
	}
	text := encode(version, key.Seal(nil, nil, plain, nil))
	return reply{status: http.StatusOK, data: object{"ciphertext": text, "key_version": version}}
}

func (k *stubKey) decrypt(in object) reply {
	text, _ := in["ciphertext"].(string)
	parts := strings.Split(text, ":")
	version, err := strconv.Atoi(strings.TrimPrefix(parts[min(1, len(parts)-1)], "v"))
	if err != nil || len(parts) != 3 || version < 1 || version > len(k.versions) {
		return refuse(http.StatusBadRequest, "the ciphertext is of another form, or version")
	}
	key, ok := k.versions[version-1].(cipher.AEAD)
	sealed, err := base64.StdEncoding.DecodeString(parts[2])
	if !ok || err != nil {
		return refuse(http.StatusBadRequest, "this key does not decrypt, or there is no base64")
	}
	plain, err := key.Open(nil, nil, sealed, nil)
	if err != nil {
		return refuse(http.StatusBadRequest, "it does not open")
	}
	return reply{status: http.StatusOK, data: object{"plaintext": base64.StdEncoding.EncodeToString(plain)}}
}
