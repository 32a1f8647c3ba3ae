package api

import (
	"context"
	"errors"
	"io"
	"strconv"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/csvfile"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// clientColumns are the columns of an export, which are the fields of a client.
var clientColumns = []string{
	"id", "ca_id", "name", "email", "description", "country", "province", "city", "organization", "sector", "expired",
	"revoked", "revoked_at", "revocation_reason", "serial", "fingerprint", "key_algorithm", "key_protected",
	"not_before", "expiry_date", "created_at", "updated_at", "connected", "last_seen",
}

// clientCells returns the cells of clientColumns.
func clientCells(c gen.ClientSite2Site) []string {
	return []string{
		strconv.FormatInt(c.ID, 10), strconv.FormatInt(c.CaID, 10), c.Name, c.Email, c.Description, c.Country,
		c.Province, c.City, c.Organization, c.Sector, strconv.FormatBool(c.Expired), strconv.FormatBool(c.Revoked),
		value(c.RevokedAt), value(c.RevocationReason), c.Serial, c.Fingerprint, c.KeyAlgorithm,
		strconv.FormatBool(c.KeyProtected), c.NotBefore, c.ExpiryDate, c.CreatedAt, c.UpdatedAt,
		c.Connected, value(c.LastSeen),
	}
}

// ExportClientsSite2Site implements the operation exportClientsSite2Site.
func (h clients) ExportClientsSite2Site(
	ctx context.Context, request gen.ExportClientsSite2SiteRequestObject,
) (gen.ExportClientsSite2SiteResponseObject, error) {
	p := request.Params
	filter := domain.ClientFilter{
		Name: text(p.Name), CAID: value(p.CaID), InstanceID: value(p.InstanceID), Status: domain.Status(text(p.Status)),
	}
	if err := readFilter(&filter, p.Serial, p.ExpiresBefore, p.ExpiresAfter, p.Sort); err != nil {
		return nil, err
	}
	file, err := stream(func(w io.Writer) error { return h.export(ctx, filter, w) })
	if err != nil {
		return nil, err
	}
	return gen.ExportClientsSite2Site200TextCsvResponse{
		Body: file, Headers: gen.ExportClientsSite2Site200ResponseHeaders{ContentDisposition: attachment("clients.csv")},
	}, nil
}

// export writes the clients of a filter as a file. Rows that are still buffered at an error are
// dropped: if the client has received nothing yet, it is sent the error.
func (h clients) export(ctx context.Context, filter domain.ClientFilter, w io.Writer) error {
	rows, err := csvfile.NewWriter(w, clientColumns)
	if err != nil {
		return err
	}
	var read []domain.Client
	write := func() error {
		list, err := h.answers(ctx, read)
		for _, c := range list {
			err = errors.Join(err, rows.Write(clientCells(c)))
		}
		read = read[:0]
		return err
	}
	err = h.service.Each(ctx, filter, func(c domain.Client) error {
		if read = append(read, c); len(read) < exportAtOnce {
			return nil
		}
		return write()
	})
	if err == nil {
		err = write()
	}
	if err != nil {
		return err
	}
	return rows.Flush()
}

// exportAtOnce is of how many clients the connections are looked up together.
const exportAtOnce = 100
