package store

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// standingText writes the certificates of a client that stand in one text: the id of each, a + if
// it is suspended and else a -, and the serial, separated by commas. Its parameter is the client.
// standingAmong does so with those that a statement has selected as standing.
const (
	standingList = "SELECT COALESCE(" +
		"string_agg(id || CASE WHEN revoked_at IS NULL THEN '-' ELSE '+' END || serial, ',' ORDER BY id), '')"
	standingText  = "(" + standingList + " FROM certificates WHERE client_id = ? AND " + standing + ")"
	standingAmong = "(" + standingList + " FROM standing)"
)

// standingQuery is one row, with the certificates in one column.
const standingQuery = "SELECT " + clientColumns + ", " + standingText + " FROM clients WHERE id = ?"

// Standing implements domain.Clients.
func (r clients) Standing(ctx context.Context, id int64) (domain.Client, []domain.StandingCertificate, error) {
	var found clientRow
	var text string
	err := r.s.readRow(ctx, append(found.fields(), &text), standingQuery, id, id)
	if err != nil {
		return domain.Client{}, nil, translate(err, faults{})
	}
	list, err := readStanding(text)
	return found.entity(), list, err
}

func readStanding(text string) ([]domain.StandingCertificate, error) {
	list := []domain.StandingCertificate{}
	for one := range strings.SplitSeq(text, ",") {
		if one == "" {
			continue
		}
		at := strings.IndexAny(one, "+-")
		if at < 0 {
			return nil, errStanding
		}
		id, err := strconv.ParseInt(one[:at], 10, 64)
		if err != nil {
			return nil, errStanding
		}
		list = append(list, domain.StandingCertificate{ID: id, Serial: one[at+1:], Suspended: one[at] == '+'})
	}
	return list, nil
}

var errStanding = errors.New("store: the certificates of a client can't be read")

// writeStanding is the text of readStanding.
func writeStanding(list []domain.StandingCertificate) string {
	texts := make([]string, len(list))
	for i, c := range list {
		sign := "-"
		if c.Suspended {
			sign = "+"
		}
		texts[i] = strconv.FormatInt(c.ID, 10) + sign + c.Serial
	}
	return strings.Join(texts, ",")
}

// RenewAtOnce implements domain.Clients. On PostgreSQL it is one statement; a transaction takes
// eight round trips.
func (r clients) RenewAtOnce(ctx context.Context, renewal *domain.Renewal, e *domain.Event) (done bool, err error) {
	e.Chain, e.ResourceID = r.s.nextChain(), renewal.Before.ID
	if r.s.engine == Postgres {
		err = r.renewAtOnce(ctx, renewal, e)
	} else {
		err = r.s.atomic(ctx, func(tx *Store) error { return tx.renewStepwise(ctx, renewal, e) })
	}
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return false, r.s.unlessMoved(ctx, e, nil)
	}
	as := duplicated("serial", "cert").orForeign(domain.NotFound, "ca_id", domain.ReasonNotFound)
	return err == nil, translate(err, as)
}

// asBefore is the condition that a client is as it was read and is in force, under its name; its
// parameters are those of wasBefore. Each change of a client other than a renewal at the same
// microsecond has another updated_at, and a renewal has another serial.
const asBefore = "serial = ? AND updated_at = ? AND held_name = ? AND revoked_at IS NULL AND NOT expired"

func wasBefore(c domain.Client) []any {
	return []any{c.Serial, micro(c.UpdatedAt), domain.NameKey(c.Name)}
}

// setRenewed stores what a renewal changes of a client that asBefore selects: SQLite then leaves
// all indexes alone but the one on the end. Its parameters are those of renewedValues.
const setRenewed = "serial = ?, fingerprint = ?, key_algorithm = ?, key_protected = ?, not_before = ?, " +
	"expires_at = ?, reason = 0, updated_at = ?"

func renewedValues(c domain.Client) []any {
	r := toClientRow(c)
	return []any{r.Serial, r.Fingerprint, r.KeyAlgorithm, r.KeyProtected, r.NotBefore, r.ExpiresAt, r.UpdatedAt}
}

// renewalAtOnce locks the client, its certificates, the CA and the chain, in this order, which is
// that of all changes. Rows that another transaction has changed meanwhile are compared as that has
// left them. The chain depends on what the insertion of the certificate returns, that on the client
// which has changed, and so on.
var renewalAtOnce = numbered(`WITH client AS (SELECT id, ca_id FROM clients WHERE id = ? AND ` + asBefore + ` AND ` + rightsHold + ` FOR NO KEY UPDATE),
	standing AS (SELECT id, serial, revoked_at FROM certificates WHERE client_id = (SELECT id FROM client) AND ` + standing + ` FOR NO KEY UPDATE),
	ready AS (SELECT id FROM client
		WHERE ` + standingAmong + ` = ?::text
		AND EXISTS (SELECT FROM cas WHERE cas.id = client.ca_id AND certificate = COALESCE(?::bytea, certificate) FOR KEY SHARE)),
	superseded AS (UPDATE certificates SET superseded_at = ? WHERE client_id = (SELECT id FROM ready) AND id IN (SELECT id FROM standing)
		AND (superseded_at IS NULL OR superseded_at > ?)),
	renewed AS (UPDATE clients SET ` + setRenewed + ` WHERE id = (SELECT id FROM ready) RETURNING id),
	certificate AS (INSERT INTO certificates (client_id, ` + issuedColumns + `)
		SELECT id, ?::bigint, ?::text, ?::text, ?::text, ?::text, ?::text, ?::text, ?::timestamptz, ?::timestamptz, ?::bytea, ?::bytea, ?::boolean,
			?::timestamptz, ?::timestamptz, ?::bigint, ?::timestamptz FROM renewed
		RETURNING client_id, id),
	link AS (` + moveChain("client_id") + ` FROM certificate
		WHERE chain = ? RETURNING chain, position, hash, client_id, certificate.id AS certificate_id, ` + lastID + `),
	event AS (INSERT INTO audit_events (resource_id, id, ` + linkColumns + `, ` + eventColumns + `)
		SELECT client_id, event_id, ` + linkColumns + `, ` + eventValues + ` FROM link RETURNING id)
	SELECT certificate_id, event.id, position, hash` + inTime + ` FROM link, event`)

func (r clients) renewAtOnce(ctx context.Context, renewal *domain.Renewal, e *domain.Event) error {
	cert, until, entry := &renewal.Certificate, micro(renewal.Until), toEventRow(*e)
	args := append([]any{renewal.Before.ID}, wasBefore(renewal.Before)...)
	args = append(args, e.Point.String(), writeStanding(renewal.Standing), cert.Issuer, until, until)
	args = append(append(args, renewedValues(renewal.After)...), issuedValues(*cert)...)
	args = append(append(append(args, chainMove(e)...), e.Chain), entry.contents()...)
	places := []any{&cert.ID, &e.ID, &e.Position, placeOf(&e.Hash)}
	return r.s.atOnce(ctx, e, places, renewalAtOnce, args)
}

// The statements of a renewal on SQLite. As in an enrolment, the first one reads the end of the
// chain, on condition that all is as it was read.
const (
	liteMayRenew = liteChainEnd + " AND EXISTS (SELECT 1 FROM cas WHERE id = ? AND (? OR certificate = ?))" +
		" AND EXISTS (SELECT 1 FROM clients WHERE id = ? AND " + asBefore + ")" +
		" AND ? = " + standingText
	liteSupersede = "UPDATE certificates SET superseded_at = ? WHERE client_id = ? AND " + standing +
		" AND (superseded_at IS NULL OR superseded_at > ?)"
	liteRenewed = "UPDATE clients SET " + setRenewed + " WHERE id = ?"
)

// renewStepwise is renewAtOnce for SQLite.
func (s *Store) renewStepwise(ctx context.Context, r *domain.Renewal, e *domain.Event) error {
	id, cert, until := r.Before.ID, &r.Certificate, micro(r.Until)
	asked := append([]any{cert.CAID, cert.Issuer == nil, cert.Issuer, id}, wasBefore(r.Before)...)
	end, err := s.chainEnd(ctx, e, liteMayRenew, append(asked, writeStanding(r.Standing), id)...)
	if err != nil {
		return err
	}
	if _, err := s.execDirect(ctx, liteSupersede, until, id, until); err != nil {
		return err
	}
	if _, err := s.execDirect(ctx, liteRenewed, append(renewedValues(r.After), id)...); err != nil {
		return err
	}
	made, err := s.execDirect(ctx, liteIssued, append([]any{id}, issuedValues(*cert)...)...)
	if err != nil {
		return err
	}
	if cert.ID, err = made.LastInsertId(); err != nil {
		return err
	}
	return s.hang(ctx, end, e)
}
