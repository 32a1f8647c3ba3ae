package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// storedPrefix is a network that a column holds as text; NULL is none. A text that is no network is
// an error when the row is read.
type storedPrefix netip.Prefix

// Scan implements sql.Scanner.
func (p *storedPrefix) Scan(value any) error {
	var text []byte
	switch v := value.(type) {
	case nil:
	case string:
		text = []byte(v)
	case []byte:
		text = v
	default:
		return fmt.Errorf("store: there is a %T in place of a network", value)
	}
	return (*netip.Prefix)(p).UnmarshalText(text)
}

// Value implements driver.Valuer.
func (p storedPrefix) Value() (driver.Value, error) {
	if !netip.Prefix(p).IsValid() {
		return nil, nil
	}
	return netip.Prefix(p).String(), nil
}

type networkRow struct {
	ID         int64
	Gateway    string
	InstanceID int64
	ClientID   *int64
	Kind       domain.NetworkKind
	Prefix     storedPrefix
	Inside     storedPrefix
}

const networkColumns = "id, gateway_key, instance_id, client_id, kind, prefix, inside"

func (r *networkRow) key() *int64 { return &r.ID }

func (r *networkRow) fields() []any {
	return []any{&r.ID, &r.Gateway, &r.InstanceID, &r.ClientID, &r.Kind, &r.Prefix, &r.Inside}
}

func (r *networkRow) entity() domain.Network {
	n := domain.Network{
		ID: r.ID, Gateway: r.Gateway, InstanceID: r.InstanceID, Kind: r.Kind, Prefix: netip.Prefix(r.Prefix),
		Inside: netip.Prefix(r.Inside),
	}
	if r.ClientID != nil {
		n.ClientID = *r.ClientID
	}
	return n
}

// ownedRow is a network with the names of its owners.
type ownedRow struct {
	networkRow
	InstanceName string
	ClientName   string
	Abandoned    bool
}

// ownedTable is joined so that a network without a site stays.
const ownedTable = "networks n JOIN instances i ON i.id = n.instance_id LEFT JOIN clients c ON c.id = n.client_id"

// abandoned is the condition on clients that are revoked for good.
var abandoned = "c.revoked_at IS NOT NULL AND c.reason <> " + strconv.Itoa(int(domain.CertificateHold))

var ownedColumns = qualified("n", networkColumns) + ", i.name, COALESCE(c.name, ''), COALESCE(" + abandoned + ", false)"

func (r *ownedRow) fields() []any {
	return append(r.networkRow.fields(), &r.InstanceName, &r.ClientName, &r.Abandoned)
}

func (r *ownedRow) entity() domain.OwnedNetwork {
	return domain.OwnedNetwork{
		Network: r.networkRow.entity(), InstanceName: r.InstanceName, ClientName: r.ClientName, Abandoned: r.Abandoned,
	}
}

type networks struct{ s *Store }

// Lock implements domain.Networks.
func (r networks) Lock(ctx context.Context, gateway string) error {
	const query = `INSERT INTO gateways (gateway_key, revision) VALUES (?, 1)
		ON CONFLICT (gateway_key) DO UPDATE SET revision = gateways.revision + 1`
	return r.s.write.WithContext(ctx).Exec(query, gateway).Error
}

// Overlapping implements domain.Networks. The networks are apart from each other: if one overlaps,
// then so does the last of those that begin before the end of prefix.
func (r networks) Overlapping(
	ctx context.Context, gateway string, prefix netip.Prefix,
) (domain.OwnedNetwork, bool, error) {
	return r.one(ctx, `n.id = (SELECT id FROM networks WHERE gateway_key = ? AND family = ? AND kind <> 'address' AND first <= ?
		ORDER BY first DESC LIMIT 1) AND n.last >= ?`,
		gateway, family(prefix.Addr()), domain.LastAddress(prefix).AsSlice(), prefix.Masked().Addr().AsSlice())
}

// Holder implements domain.Networks.
func (r networks) Holder(
	ctx context.Context, instanceID int64, address netip.Addr,
) (domain.OwnedNetwork, bool, error) {
	return r.Between(ctx, instanceID, address, address)
}

// Between implements domain.Networks.
func (r networks) Between(
	ctx context.Context, instanceID int64, first, last netip.Addr,
) (domain.OwnedNetwork, bool, error) {
	return r.one(ctx, `n.id = (SELECT id FROM networks WHERE instance_id = ? AND family = ? AND kind = 'address'
		AND first >= ? AND first <= ? ORDER BY first LIMIT 1)`,
		instanceID, family(first), first.AsSlice(), last.AsSlice())
}

// Outside implements domain.Networks.
func (r networks) Outside(
	ctx context.Context, instanceID int64, prefix netip.Prefix,
) (domain.OwnedNetwork, bool, error) {
	return r.one(ctx, `n.id = (SELECT id FROM networks WHERE instance_id = ? AND family = ? AND kind = 'address'
		AND (first < ? OR first > ?) ORDER BY first LIMIT 1)`, instanceID, family(prefix.Addr()),
		prefix.Masked().Addr().AsSlice(), domain.LastAddress(prefix).AsSlice())
}

// Abandoned implements domain.Networks.
func (r networks) Abandoned(
	ctx context.Context, instanceID int64, first, last netip.Addr,
) (domain.OwnedNetwork, bool, error) {
	return r.one(ctx, `n.instance_id = ? AND n.family = ? AND n.kind = 'address' AND n.first >= ? AND n.first <= ?
		AND `+abandoned+` ORDER BY n.first LIMIT 1`, instanceID, family(first), first.AsSlice(), last.AsSlice())
}

// one reads the network that a condition selects, if there is one.
func (r networks) one(ctx context.Context, condition string, args ...any) (domain.OwnedNetwork, bool, error) {
	var found ownedRow
	query := "SELECT " + ownedColumns + " FROM " + ownedTable + " WHERE " + condition
	err := scan(ctx, r.s.read, found.fields(), query, args...)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return domain.OwnedNetwork{}, false, nil
	}
	return found.entity(), err == nil, err
}

func family(a netip.Addr) int {
	if a.Is4() {
		return 4
	}
	return 6
}

// Addresses implements domain.Networks.
func (r networks) Addresses(
	ctx context.Context, instanceID int64, first, last netip.Addr, limit int,
) ([]netip.Addr, error) {
	query := fmt.Sprintf(`SELECT first FROM networks WHERE instance_id = ? AND family = ? AND kind = 'address'
		AND first >= ? AND first <= ? ORDER BY first LIMIT %d`, limit)
	args := []any{instanceID, family(first), first.AsSlice(), last.AsSlice()}
	var list []netip.Addr
	err := returned(ctx, r.s.read, query, args, func(scan func(...any) error) error {
		var octets []byte
		err := scan(&octets)
		address, _ := netip.AddrFromSlice(octets)
		list = append(list, address)
		return err
	})
	return list, err
}

// addressBatch is how many addresses are read at once.
const addressBatch = 1000

// NextFree implements domain.Networks.
func (r networks) NextFree(
	ctx context.Context, instanceID int64, first, last netip.Addr,
) (netip.Addr, bool, error) {
	for next := first; next.IsValid() && !last.Less(next); {
		used, err := r.Addresses(ctx, instanceID, next, last, addressBatch)
		if err != nil {
			return netip.Addr{}, false, err
		}
		for _, address := range used {
			if next.Less(address) {
				break
			}
			next = address.Next()
		}
		if len(used) < addressBatch || next.Compare(used[len(used)-1]) <= 0 {
			return next, next.IsValid() && !last.Less(next), nil
		}
	}
	return netip.Addr{}, false, nil
}

// OfInstance implements domain.Networks.
func (r networks) OfInstance(ctx context.Context, instanceID int64) ([]domain.Network, error) {
	return r.some(ctx, "instance_id = ? AND client_id IS NULL ORDER BY id", instanceID)
}

// OfSite implements domain.Networks.
func (r networks) OfSite(ctx context.Context, instanceID, clientID int64) ([]domain.Network, error) {
	return r.some(ctx, "instance_id = ? AND client_id = ? ORDER BY id", instanceID, clientID)
}

// OfClient implements domain.Networks.
func (r networks) OfClient(ctx context.Context, clientID int64) ([]domain.Network, error) {
	return r.some(ctx, "client_id = ? ORDER BY id", clientID)
}

// OfClients implements domain.Networks.
func (r networks) OfClients(ctx context.Context, clientIDs []int64) (list []domain.Network, err error) {
	for batch := range slices.Chunk(clientIDs, insertBatch) {
		some, err := r.some(ctx, "client_id IN ? ORDER BY client_id, id", batch)
		if err != nil {
			return nil, err
		}
		list = append(list, some...)
	}
	return list, nil
}

// OfSites implements domain.Networks.
func (r networks) OfSites(ctx context.Context, instanceID, after, last int64) ([]domain.Network, error) {
	return r.some(
		ctx, "instance_id = ? AND client_id > ? AND client_id <= ? ORDER BY client_id, id", instanceID, after, last,
	)
}

// some reads the networks that a condition selects.
func (r networks) some(ctx context.Context, condition string, args ...any) ([]domain.Network, error) {
	query := "SELECT " + networkColumns + " FROM networks WHERE " + condition
	rows, err := find[networkRow, domain.Network](ctx, r.s.read, query, args)
	return each(rows, func(row networkRow) domain.Network { return row.entity() }), err
}

// Plan implements domain.Networks.
func (r networks) Plan(
	ctx context.Context, instanceID int64, req domain.PageRequest,
) (domain.Page[domain.OwnedNetwork], error) {
	l := listing{table: ownedTable, keyTable: "networks n", columns: ownedColumns, id: "n.id"}
	r.s.restrictOwner(&l, "n.instance_id", instanceID)
	return page[ownedRow, domain.OwnedNetwork](ctx, r.s.read, l, req)
}
