package pki

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/kms"
)

// storedSigner is the key of a CA in a token or a vault.
type storedSigner struct{ *kms.Signer }

// Sign implements crypto.Signer. While the store is away the error is *domain.Unavailable.
func (k storedSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	signature, err := k.Signer.Sign(random, digest, opts)
	return signature, away(err)
}

// Within implements ca.CallerSigner.
func (k storedSigner) Within(ctx context.Context) crypto.Signer {
	return storedSigner{k.Signer.Within(ctx)}
}

// away says that what failed because a store is away, or does not allow it, may be tried again: an
// operator can change either.
func away(err error) error {
	if errors.Is(err, kms.ErrAway) || errors.Is(err, kms.ErrDenied) {
		return &domain.Unavailable{Err: err}
	}
	return err
}

// keyURI is the URI of a key that is in a store; empty for one in memory.
func keyURI(signer crypto.Signer) string {
	if stored, ok := signer.(storedSigner); ok {
		return stored.URI.String()
	}
	return ""
}

// storeFault turns an error of a store into a fault of the field that has named it.
func (s *CAs) storeFault(field string, err error) error {
	fault := func(kind domain.Kind, reason domain.Reason, args ...any) error {
		return &domain.Error{Kind: kind, Field: field, Reason: reason, Args: args, Err: err}
	}
	switch {
	case errors.Is(err, kms.ErrNoStore) && field == "key_store":
		names := append([]string{domain.KeyInDatabase}, s.Authorities.Stores.Names()...)
		return fault(domain.NotFound, domain.ReasonKeyStore, strings.Join(names, ", "))
	case errors.Is(err, kms.ErrNoStore):
		return fault(domain.NotFound, domain.ReasonNoStoreOfKey)
	case errors.Is(err, kms.ErrURI):
		return fault(domain.Invalid, domain.ReasonKeyURI)
	case errors.Is(err, kms.ErrNoKey):
		return fault(domain.NotFound, domain.ReasonNoSuchKey)
	case errors.Is(err, kms.ErrManyKeys):
		return fault(domain.Invalid, domain.ReasonManyKeys)
	case errors.Is(err, kms.ErrUnsupported):
		return fault(domain.Invalid, domain.ReasonKeyKind)
	case errors.Is(err, kms.ErrDenied):
		return fault(domain.Invalid, domain.ReasonKeyDenied)
	}
	return away(err)
}

// findKey returns a key that is in a store, after it has shown that it signs.
func (s *CAs) findKey(ctx context.Context, field, uri string) (crypto.Signer, error) {
	found, err := s.Authorities.Stores.Find(ctx, uri)
	if err != nil {
		return nil, s.storeFault(field, err)
	}
	signer := storedSigner{found}
	if err = ca.Prove(signer.Within(ctx)); errors.Is(err, kms.ErrDenied) {
		return nil, s.storeFault(field, err)
	}
	return signer, material(field, err)
}

// wantedKey says which key a CA gets.
type wantedKey struct {
	algorithm ca.KeyAlgorithm
	store     string        // in which it is made; empty: the database
	label     string        // there
	there     crypto.Signer // a key that is there already; nil: one is made
}

// wantKey checks what is asked of the key of a new CA.
func (s *CAs) wantKey(ctx context.Context, spec domain.CASpec) (want wantedKey, err error) {
	if spec.KeyURI == "" {
		if want.algorithm, err = keyAlgorithm(spec.KeyAlgorithm); err == nil {
			want.store, err = s.storeFor(spec.KeyStore)
		}
		want.label = spec.Name
		return want, err
	}
	if want.there, err = s.findKey(ctx, "key_uri", spec.KeyURI); err != nil {
		return want, err
	}
	if err := s.checkKeyFree(ctx, want.there.Public()); err != nil {
		return want, err
	}
	want.algorithm, err = ca.AlgorithmOf(want.there.Public())
	if err == nil && spec.KeyAlgorithm != "" && spec.KeyAlgorithm != string(want.algorithm) {
		err = domain.Fault(domain.Invalid, "key_algorithm", domain.ReasonChoice, string(want.algorithm))
	}
	return want, err
}

// checkKeyFree checks that no CA has the key: the list of each would lack what the other has
// revoked.
func (s *CAs) checkKeyFree(ctx context.Context, public crypto.PublicKey) error {
	taken, err := s.Store.CAs().KeyTaken(ctx, fingerprint([]byte(publicKey(public))))
	if err == nil && taken {
		err = domain.Fault(domain.Duplicated, "key_uri", domain.ReasonDuplicated)
	}
	return err
}

// storeFor returns the name of a store; empty for the database.
func (s *CAs) storeFor(name string) (string, error) {
	if name == "" || name == domain.KeyInDatabase {
		return "", nil
	}
	_, err := s.Authorities.Stores.Named(name)
	return name, s.storeFault("key_store", err)
}

// makeCAKey makes the key that a CA gets, or takes the one that is there. The caller goes on with
// the returned context, and has to end it. A dry run makes nothing in a store.
func (s *CAs) makeCAKey(
	ctx context.Context, want wantedKey,
) (crypto.Signer, context.Context, context.CancelFunc, error) {
	if want.there != nil {
		return want.there, ctx, func() {}, nil
	}
	if want.store == "" || domain.OriginOf(ctx).DryRun {
		return makeKey(ctx, s.Generator, want.algorithm)
	}
	waiting, done := domain.Renewed(ctx, keyTime)
	defer done()
	made, err := s.Authorities.Stores.Create(waiting, want.store, string(want.algorithm), want.label)
	if err != nil {
		field := "key_store"
		if errors.Is(err, kms.ErrUnsupported) {
			field = "key_algorithm"
		}
		return nil, ctx, nil, s.storeFault(field, err)
	}
	signer := storedSigner{made}
	if err := ca.Prove(signer.Within(ctx)); err != nil {
		s.discard(ctx, want, signer)
		return nil, ctx, nil, s.storeFault("key_store", err)
	}
	after, end := domain.Renewed(ctx, 0)
	return signer, after, end, nil
}

// unused removes a key that was made for a CA which is not stored. When it is not known whether the
// CA is stored, the key stays.
func (s *CAs) unused(ctx context.Context, want wantedKey, signer crypto.Signer, err error) {
	if err != nil && domain.Faults(err) != nil {
		s.discard(ctx, want, signer)
	} else if err != nil && want.there == nil && keyURI(signer) != "" {
		s.Recorder.Log.WarnContext(ctx, "a key is left in its store that may belong to no CA", "key_uri", keyURI(signer))
	}
}

// discard removes a key that was made here, and that nobody uses.
func (s *CAs) discard(ctx context.Context, want wantedKey, signer crypto.Signer) {
	made, ok := signer.(storedSigner)
	if !ok || want.there != nil {
		return
	}
	if err := s.Authorities.Stores.Discard(context.WithoutCancel(ctx), made.Signer); err != nil {
		s.Recorder.Log.WarnContext(
			ctx, "a key is left in its store that belongs to no CA", "key_uri", keyURI(signer), "error", err,
		)
	}
}

// signer returns the private key of a CA: unsealed, or where it is.
func (a *Authorities) signer(key domain.CAKey, public crypto.PublicKey) (crypto.Signer, error) {
	if key.KeyURI != "" {
		signer, err := a.Stores.Signer(key.KeyURI, public)
		return storedSigner{signer}, err
	}
	pem, err := a.Keys.Open(key.SealedKey, caKeyContext(key.Certificate))
	if err != nil {
		return nil, err
	}
	return ca.ParsePrivateKey(pem, "")
}

// isKeyURI reports whether the text of a key is its URI, and not PEM.
func isKeyURI(key domain.Secret) bool {
	text := strings.TrimSpace(string(key))
	scheme, _, ok := strings.Cut(text, ":")
	return ok && scheme != "" && !strings.ContainsAny(scheme, "- \n")
}

// importedKey reads the key of a CA that is imported, or finds it in its store.
func (s *CAs) importedKey(ctx context.Context, in domain.CAImport) (*foreignKey, error) {
	if !isKeyURI(in.Key) {
		key, err := readKey(in.Key, in.Password)
		return key, material("key", err)
	}
	signer, err := s.findKey(ctx, "key", strings.TrimSpace(string(in.Key)))
	return &foreignKey{signer: signer}, err
}

// checkExportable refuses to export a key that does not leave its store.
func checkExportable(key domain.CAKey) error {
	if key.KeyURI == "" {
		return nil
	}
	return domain.Fault(domain.Rule, "ca", domain.ReasonKeyStays, fmt.Sprint(key.KeyURI))
}

// CheckStoredKey makes the key of a CA sign something in its store, by the certificate of the CA.
// Errors: those of package kms.
func CheckStoredKey(ctx context.Context, stores *kms.Stores, uri string, certificate []byte) error {
	cert, err := ca.ReadCertificate(certificate)
	if err != nil {
		return err
	}
	signer, err := stores.Signer(uri, cert.PublicKey)
	if err != nil {
		return err
	}
	return ca.Prove(signer.Within(ctx))
}
