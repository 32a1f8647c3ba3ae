package main

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

type instanceStatus struct {
	app.StorageConfig
	form
	Instance string `arg:"" help:"Name or id of the instance."`
}

// Run shows what is known of a running server.
func (c *instanceStatus) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "instance status", instanceKind, c.Instance,
		func(ctx context.Context, s *service.Services, i domain.Instance) error {
			status, err := s.Sessions.Status(ctx, i.ID)
			if err != nil {
				return err
			}
			return show(c.form, statusRecordOf(i, status))
		})
}

// statusRecord is a status without the parts that the API nests it in.
type statusRecord struct {
	InstanceID  int64   `json:"instance_id"`
	Name        string  `json:"name"`
	Agent       string  `json:"agent"`
	ReportedAt  stamp   `json:"reported_at"`
	Interval    *int    `json:"interval"`
	Version     *string `json:"agent_version"`
	Failures    *int    `json:"failures"`
	Up          *bool   `json:"openvpn_up"`
	OpenVPN     *string `json:"openvpn_version"`
	Sessions    *int    `json:"sessions"`
	ConfirmedAt stamp   `json:"confirmed_at"`
	Current     *bool   `json:"files_current"`
	Pending     *int    `json:"pending"`
	Reload      *string `json:"reload"`
	Behind      texts   `json:"lists_behind"`
}

func statusRecordOf(i domain.Instance, s tunnel.Status) statusRecord {
	a := s.Agent
	record := statusRecord{InstanceID: i.ID, Name: i.Name, Agent: string(a.State(s.At)), Behind: texts{}}
	if a.ReportedAt.IsZero() {
		return record
	}
	current := a.Tag == s.Tag
	record.ReportedAt, record.Interval, record.Version = stamp(a.ReportedAt), &a.Interval, optional(a.Version)
	record.Failures, record.OpenVPN, record.ConfirmedAt = &a.Failures, optional(a.OpenVPN), stamp(a.LookedAt)
	record.Current, record.Pending, record.Reload = &current, &a.Pending, optional(a.Reload)
	if a.State(s.At) == domain.AgentOK {
		record.Up = &a.Up
	}
	if a.Sees(s.At) {
		record.Sessions = &s.Sessions
	}
	for _, l := range s.Lists {
		if l.Behind() {
			record.Behind = append(record.Behind, l.CA)
		}
	}
	return record
}

type instanceSessions struct {
	app.StorageConfig
	form
	Ended    bool   `help:"Those that have ended."`
	Name     string `placeholder:"NAME" help:"Only the sessions of this name."`
	Instance string `arg:"" help:"Name or id of the instance."`
}

// Run lists the sessions of a server, the newest first.
func (c *instanceSessions) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "instance sessions", instanceKind, c.Instance,
		func(ctx context.Context, s *service.Services, i domain.Instance) error {
			filter := domain.SessionFilter{InstanceID: i.ID, Ended: &c.Ended, Name: c.Name}
			page := func(ctx context.Context, req domain.PageRequest) (domain.Page[tunnel.Session], error) {
				return s.Sessions.Page(ctx, filter, req)
			}
			return list(ctx, c.form, page, sessionRecordOf)
		})
}

type sessionRecord struct {
	ID          int64  `json:"id" table:"ID"`
	InstanceID  int64  `json:"instance_id"`
	ClientID    *int64 `json:"client_id" table:"CLIENT"`
	Name        string `json:"name" table:"NAME"`
	State       string `json:"state" table:"STATE"`
	RealAddress string `json:"real_address" table:"FROM"`
	Address     string `json:"address" table:"ADDRESS"`
	AddressV6   string `json:"address_v6"`
	Cipher      string `json:"cipher"`
	BytesIn     int64  `json:"bytes_in" table:"IN"`
	BytesOut    int64  `json:"bytes_out" table:"OUT"`
	ConnectedAt stamp  `json:"connected_at" table:"SINCE"`
	ConfirmedAt stamp  `json:"confirmed_at"`
	EndedAt     stamp  `json:"disconnected_at" table:"UNTIL"`
	KillAt      stamp  `json:"kill_requested_at"`
}

func sessionRecordOf(s tunnel.Session) sessionRecord {
	return sessionRecord{
		ID: s.ID, InstanceID: s.InstanceID, ClientID: optional(s.ClientID), Name: s.Name, State: string(s.State),
		RealAddress: known(s.Real.IsValid(), s.Real), Address: known(s.Address.IsValid(), s.Address),
		AddressV6: known(s.AddressV6.IsValid(), s.AddressV6), Cipher: s.Cipher, BytesIn: s.BytesIn,
		BytesOut: s.BytesOut, ConnectedAt: stamp(s.ConnectedAt), ConfirmedAt: stamp(s.ConfirmedAt),
		EndedAt: stamp(s.EndedAt), KillAt: stamp(s.KillAt),
	}
}

type instanceKill struct {
	app.StorageConfig
	Instance string `arg:"" help:"Name or id of the instance."`
	Session  int64  `arg:"" help:"Id of the session, as instance sessions lists it."`
}

// Run asks the agent to end a session.
func (c *instanceKill) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "instance kill", instanceKind, c.Instance,
		func(ctx context.Context, s *service.Services, i domain.Instance) error {
			_, err := s.Sessions.Kill(ctx, i.ID, c.Session)
			return err
		})
}

// seenClient is a client with what is known of its connection.
type seenClient struct {
	domain.Client
	known domain.Connection
}

// seenClients adds what is known of the connections of a page of clients.
func seenClients(
	ctx context.Context, s *service.Services, found domain.Page[domain.Client], err error,
) (page domain.Page[seenClient], _ error) {
	if err != nil {
		return page, err
	}
	ids := make([]int64, len(found.Items))
	for i, c := range found.Items {
		ids[i] = c.ID
	}
	connections, err := s.Sessions.Connections(ctx, ids...)
	page = domain.Page[seenClient]{Current: found.Current, Next: found.Next, Previous: found.Previous}
	for _, c := range found.Items {
		page.Items = append(page.Items, seenClient{c, connections[c.ID]})
	}
	return page, err
}

// seenRecordAt makes records that say whether clients are connected.
func seenRecordAt(now time.Time) func(seenClient) clientRecord {
	convert := clientRecordAt(now)
	return func(c seenClient) clientRecord { return convert(c.Client).with(c.known) }
}

func (r clientRecord) with(known domain.Connection) clientRecord {
	r.Connected, r.LastSeen = string(known.State), stamp(known.LastSeen)
	return r
}
