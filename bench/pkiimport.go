package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"path/filepath"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

const (
	importedCertificates = 5000
	importedKeys         = 20  // different ones: each takes a tenth of a second to make
	importedFloor        = 500 // certificates a second
)

// pkiRows measures the import of an easy-rsa PKI: RSA keys of 2048 bits, a tenth of the
// certificates revoked. The reading of the files is not in it.
func pkiRows(ctx context.Context, b *bench, e engine) error {
	in, err := foreignPKI()
	if err != nil {
		return err
	}
	location, err := e.database(ctx, "pki")
	if err != nil {
		return err
	}
	p := &product{storage: app.StorageConfig{DataDir: filepath.Join(e.dir, "pki"), DatabaseURL: app.URL(location)}}
	if err := p.prepare(ctx); err != nil {
		return err
	}
	config := app.Config{StorageConfig: p.storage}
	log := slog.New(slog.DiscardHandler)
	return app.Command(ctx, config, "bench", log, func(ctx context.Context, s *service.Services) error {
		began := time.Now()
		report, err := s.Imports.Run(ctx, in, nil)
		if err == nil && (!report.Stored || report.New != importedCertificates+1) {
			err = fmt.Errorf("%d were imported", report.New)
		}
		rate := importedCertificates / time.Since(began).Seconds()
		b.table.add(row{
			engine: e.name, what: fmt.Sprintf("import of an easy-rsa PKI of %d", importedCertificates),
			product: perSecond(rate), floor: perSecond(importedFloor), ratio: rate / importedFloor, target: atLeast(1),
			note: "floor: the rate that is asked for",
		})
		return err
	})
}

// foreignPKI makes a CA with its certificates, in the form in which a directory of easy-rsa is
// read.
func foreignPKI() (domain.PKIImport, error) {
	keys := make([]*rsa.PrivateKey, importedKeys)
	for i := range keys {
		var err error
		if keys[i], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return domain.PKIImport{}, err
		}
	}
	now := time.Now()
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Easy-RSA CA"}, NotBefore: now.Add(-time.Hour),
		NotAfter: now.AddDate(10, 0, 0), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, authority, authority, keys[0].Public(), keys[0])
	if err != nil {
		return domain.PKIImport{}, err
	}
	found := domain.ForeignPKI{CA: encoded("CERTIFICATE", der), CAKey: keyText(keys[0])}
	var faults error
	for i := range importedCertificates {
		key, name := keys[1+i%(importedKeys-1)], fmt.Sprintf("site-%d", i)
		der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
			SerialNumber: big.NewInt(int64(1000 + i)), Subject: pkix.Name{CommonName: name},
			NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(2, 0, 0), BasicConstraintsValid: true,
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		}, authority, key.Public(), keys[0])
		faults = errors.Join(faults, err)
		text := domain.Secret(encoded("CERTIFICATE", der))
		found.Certificates = append(found.Certificates, domain.ForeignPart{Path: name + ".crt", PEM: text})
		found.Keys = append(found.Keys, domain.ForeignPart{Path: name + ".key", PEM: keyText(key)})
		line := domain.IndexRow{Name: name, Serial: fmt.Sprintf("%X", 1000+i), NotAfter: now.AddDate(2, 0, 0)}
		if i%10 == 7 {
			line.RevokedAt = now.Add(-time.Minute)
		}
		found.Index = append(found.Index, line)
	}
	return domain.PKIImport{ForeignPKI: found}, faults
}

func keyText(key *rsa.PrivateKey) domain.Secret {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err) // of a key that was just made
	}
	return domain.Secret(encoded("PRIVATE KEY", der))
}

func encoded(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
