package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/gen/pam"
)

// pageSize is the default size of a list.
const pageSize = 15

// floor does only what can't be left out: no authentication, validation, log or metrics.
type floor struct {
	db     floorDB
	ca     *x509.Certificate
	signer *ecdsa.PrivateKey

	renewed atomic.Int64
}

// record is a client as the tables have it.
type record struct {
	id, caID                                             int64
	name, nameKey, description                           string
	country, province, city, organization, sector, email string
	expiresAt, createdAt, updatedAt                      time.Time
	serial, fingerprint, algorithm                       string
	expired, protected                                   bool
	notBefore, revokedAt                                 *time.Time
	reason                                               int
}

// issued is the one row of the issue floor.
type issued struct {
	record
	der, key []byte
}

// floorDB is a database used as directly as its driver allows.
type floorDB interface {
	insert(ctx context.Context, i issued) (int64, error)
	insertNoted(ctx context.Context, i issued) (int64, error) // with a second row in the same transaction
	upsert(ctx context.Context, d pam.DeviceUpsert) (int64, error)
	get(ctx context.Context, id int64) (record, error)
	list(ctx context.Context) ([]record, error)
	close() error
}

// serveFloor serves the floor.
func serveFloor(ctx context.Context, config childConfig) error {
	db, err := openFloorDB(ctx, config)
	if err != nil {
		return err
	}
	defer db.close()
	f := &floor{db: db}
	if err := f.makeCA(); err != nil {
		return err
	}
	e := echo.New()
	e.GET("/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	e.POST("/clients", f.issue(db.insert))
	e.POST("/noted", f.issue(db.insertNoted))
	e.POST("/clients/:id/renew", f.renew)
	e.POST("/device", f.upsert)
	e.POST(ocspPath, f.signedBefore())
	e.GET("/clients/:id", f.get)
	e.GET("/clients", f.list)
	return serve(ctx, config.Listen, e)
}

func (f *floor) makeCA() (err error) {
	if f.signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "floor"}, NotBefore: time.Now(),
		NotAfter: time.Now().AddDate(20, 0, 0),
		IsCA:     true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, f.signer.Public(), f.signer)
	if err == nil {
		f.ca, err = x509.ParseCertificate(der)
	}
	return err
}

func serial() *big.Int {
	octets := make([]byte, 16)
	rand.Read(octets)
	octets[0] &= 0x7f
	return new(big.Int).SetBytes(octets)
}

// issue makes a key and a certificate, and answers when they are on disk.
func (f *floor) issue(insert func(context.Context, issued) (int64, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		client, err := f.newClient(c.Request().Body)
		if err != nil {
			return err
		}
		if client.id, err = insert(c.Request().Context(), client); err != nil {
			return err
		}
		return c.JSON(http.StatusOK, client.wire())
	}
}

func (f *floor) newClient(body io.Reader) (issued, error) {
	var in gen.ClientSite2SiteCreate
	if err := json.NewDecoder(body).Decode(&in); err != nil {
		return issued{}, err
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	client := issued{record: record{
		caID: in.CaID, name: in.Name, nameKey: in.Name, description: *in.Description, country: *in.Country,
		province: *in.Province, city: *in.City,
		organization: *in.Organization, sector: *in.Sector, email: string(in.Email),
		createdAt: now, updatedAt: now, expiresAt: now.AddDate(10, 0, 0),
	}}
	return client, f.sign(&client)
}

// renew reads a client of the product, makes a key and a certificate for it, and answers when they
// are on disk with the second row. The number makes the name another one: that of the table of
// certificates is unique.
func (f *floor) renew(c echo.Context) error {
	var in gen.ClientSite2SiteRenew
	if err := json.NewDecoder(c.Request().Body).Decode(&in); err != nil {
		return err
	}
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	client := issued{}
	if client.record, err = f.db.get(ctx, id); err != nil {
		return err
	}
	client.name = fmt.Sprintf("%s-%d", client.name, f.renewed.Add(1))
	client.updatedAt = time.Now().UTC().Truncate(time.Microsecond)
	client.createdAt, client.expiresAt = client.updatedAt, client.updatedAt.AddDate(10, 0, 0)
	if err := f.sign(&client); err != nil {
		return err
	}
	if _, err := f.db.insertNoted(ctx, client); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, client.wire())
}

func (f *floor) sign(client *issued) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	number := serial()
	client.der, err = x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: number, NotBefore: client.createdAt.Add(-time.Minute), NotAfter: client.expiresAt,
		Subject: pkix.Name{
			CommonName: client.name, Country: []string{client.country}, Province: []string{client.province},
			Locality:     []string{client.city},
			Organization: []string{client.organization}, OrganizationalUnit: []string{client.sector},
		},
		EmailAddresses: []string{client.email}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, BasicConstraintsValid: true,
	}, f.ca, key.Public(), f.signer)
	if err != nil {
		return err
	}
	client.serial = hex.EncodeToString(number.Bytes())
	client.key, err = x509.MarshalPKCS8PrivateKey(key)
	return err
}

func (f *floor) get(c echo.Context) error {
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil {
		return err
	}
	found, err := f.db.get(c.Request().Context(), id)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, found.wire())
}

func (f *floor) list(c echo.Context) error {
	found, err := f.db.list(c.Request().Context())
	if err != nil {
		return err
	}
	var page gen.ClientSite2SitePage
	if len(found) > pageSize {
		found = found[:pageSize]
		page.Cursor.Next = &found[pageSize-1].id
	}
	page.Clients = make([]gen.ClientSite2Site, len(found))
	for i, one := range found {
		page.Clients[i] = one.wire()
	}
	return c.JSON(http.StatusOK, page)
}

// wire is the product's answer for the same client.
func (r record) wire() gen.ClientSite2Site {
	const layout = "2006-01-02T15:04:05.000000-07:00"
	var begin time.Time
	if r.notBefore != nil {
		begin = *r.notBefore
	}
	answer := gen.ClientSite2Site{
		ID: r.id, CaID: r.caID, Name: r.name, Email: r.email, Description: r.description,
		Country: r.country, Province: r.province, City: r.city, Organization: r.organization, Sector: r.sector,
		Expired: !time.Now().Before(r.expiresAt), Revoked: r.revokedAt != nil, Serial: r.serial,
		Fingerprint: r.fingerprint, KeyAlgorithm: r.algorithm, KeyProtected: r.protected,
		NotBefore:  begin.UTC().Format(layout),
		ExpiryDate: r.expiresAt.UTC().Format(layout), CreatedAt: r.createdAt.UTC().Format(layout),
		UpdatedAt: r.updatedAt.UTC().Format(layout),
	}
	if r.revokedAt != nil {
		answer.RevokedAt, answer.RevocationReason = new(r.revokedAt.UTC().Format(layout)), new("unspecified")
	}
	return answer
}
