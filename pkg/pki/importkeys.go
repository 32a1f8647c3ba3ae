package pki

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// foundKey is a private key of a PKI that is imported.
type foundKey struct {
	path      string
	text      domain.Secret
	password  domain.Secret
	signer    crypto.Signer // nil: it could not be opened
	encrypted bool
	locked    bool // no password that is known opens it
	used      bool
	err       error
}

// inParallel calls do with 0 to n-1, on all processors.
func inParallel(n int, do func(i int)) {
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wait.Wait()
}

// step returns a function that counts how much of the work is done.
func (t *takeover) step(before int) func() {
	total := len(t.in.Keys) + 2*len(t.in.Certificates)
	var mu sync.Mutex
	done := before
	return func() {
		mu.Lock()
		defer mu.Unlock()
		done++
		t.progress(done, total)
	}
}

// readKeys opens all keys that can be opened. Errors: those that are not about the keys.
func (t *takeover) readKeys(ctx context.Context) error {
	t.keys = make([]*foundKey, len(t.in.Keys))
	step := t.step(0)
	inParallel(len(t.keys), func(i int) {
		key := &foundKey{path: t.in.Keys[i].Path, text: t.in.Keys[i].PEM}
		key.password = t.in.PasswordOf(t.in.Keys[i])
		key.open(ctx, t.Imports, key.password)
		t.keys[i] = key
		step()
	})
	t.keysOf = map[string][]*foundKey{}
	for _, key := range t.keys {
		if key.signer != nil {
			public := publicKey(key.signer.Public())
			t.keysOf[public] = append(t.keysOf[public], key)
		}
		if key.err == errOutOfTime || key.err != nil && domain.Faults(material("key", key.err)) == nil {
			return key.err
		}
	}
	return nil
}

func (k *foundKey) open(ctx context.Context, s *Imports, password domain.Secret) {
	if Late(ctx, reserve) {
		k.err = errOutOfTime
		return
	}
	key, err := readKey(k.text, password)
	if err == nil {
		err = key.open(ctx, s.Derivations)
	}
	k.locked = errors.Is(err, ca.ErrPasswordRequired) || errors.Is(err, ca.ErrWrongPassword)
	if k.err = err; err == nil {
		k.signer, k.encrypted = key.signer, key.file.Encrypted()
	}
}

// publicKey identifies a key.
func publicKey(public crypto.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return ""
	}
	return string(der)
}

// errOutOfTime ends an import for which the time of its request does not suffice.
var errOutOfTime error = domain.Fault(domain.Rule, "", domain.ReasonImportTime)

// byPublicKey returns the keys that are open: of several files with one key the first.
func byPublicKey(keys []*foundKey) map[string]*foundKey {
	open := make(map[string]*foundKey, len(keys))
	for _, key := range keys {
		if key.signer == nil {
			continue
		}
		public := publicKey(key.signer.Public())
		if open[public] == nil {
			open[public] = key
		}
	}
	return open
}

// baseName is the name of a file without folder and extension: a certificate and its key have it in
// common.
func baseName(name string) string {
	name = path.Base(name)
	return strings.TrimSuffix(name, path.Ext(name))
}

// lockedNames returns the base names of the keys that could not be opened for want of a password.
func lockedNames(keys []*foundKey) map[string]*foundKey {
	locked := map[string]*foundKey{}
	for _, key := range keys {
		if key.locked {
			locked[baseName(key.path)] = key
		}
	}
	return locked
}

// sealKeys finds the key of each new certificate, and seals it. A key that was encrypted is
// encrypted with the same password again.
func (t *takeover) sealKeys(ctx context.Context) error {
	open, locked := byPublicKey(t.keys), lockedNames(t.keys)
	errs := make([]error, len(t.items))
	for _, item := range t.items {
		item.key = open[publicKey(item.cert.PublicKey)]
		if item.key != nil {
			t.use(item.cert)
			continue
		}
		if key, ok := locked[baseName(item.row.Path)]; ok {
			key.used = true // its certificate tells of it
			item.row.Notes = append(item.row.Notes, NoteKeyLocked)
		}
	}
	step := t.step(len(t.in.Keys) + len(t.in.Certificates))
	inParallel(len(t.items), func(i int) {
		errs[i] = t.sealKey(ctx, t.items[i])
		step()
	})
	if slices.Contains(errs, errOutOfTime) {
		return errOutOfTime
	}
	return errors.Join(errs...)
}

// use notes of all files with the key of a certificate that it is known whose they are.
func (t *takeover) use(cert *x509.Certificate) {
	for _, key := range t.keysOf[publicKey(cert.PublicKey)] {
		key.used = true
	}
}

func (t *takeover) sealKey(ctx context.Context, item *found) error {
	if item.row.Action != ImportNew || item.key == nil {
		return nil
	}
	if Late(ctx, reserve) {
		return errOutOfTime
	}
	var password domain.Secret
	if item.key.encrypted {
		password = item.key.password
	}
	text, err := t.keyPEM(ctx, item.key.signer, password)
	if err != nil {
		return err
	}
	t.keepKey(&item.record, text, password)
	item.row.Key = true
	return nil
}
