package api

import (
	"context"
	"net/netip"
	"time"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

type tunnelSessions struct{ sessions *tunnel.Sessions }

// GetInstanceSessionsPage implements the operation getInstanceSessionsPage.
func (h tunnelSessions) GetInstanceSessionsPage(
	ctx context.Context, request gen.GetInstanceSessionsPageRequestObject,
) (gen.GetInstanceSessionsPageResponseObject, error) {
	p := request.Params
	filter := domain.SessionFilter{
		InstanceID: request.ID, ClientID: value(p.ClientID), Ended: p.Ended, Name: text(p.Name),
	}
	if asked := text(p.Address); asked != "" {
		address, err := netip.ParseAddr(asked)
		if err != nil {
			return nil, domain.Fault(domain.Malformed, "address", domain.ReasonFormat)
		}
		filter.Address = address
	}
	page, err := h.sessions.Page(ctx, filter, pageRequest(p.Cursor, p.Size))
	if err != nil {
		return nil, err
	}
	return gen.GetInstanceSessionsPage200JSONResponse(sessionPage(page)), nil
}

// GetClientSite2SiteSessionsPage implements the operation getClientSite2SiteSessionsPage.
func (h tunnelSessions) GetClientSite2SiteSessionsPage(
	ctx context.Context, request gen.GetClientSite2SiteSessionsPageRequestObject,
) (gen.GetClientSite2SiteSessionsPageResponseObject, error) {
	asked := pageRequest(request.Params.Cursor, request.Params.Size)
	page, err := h.sessions.PageOf(ctx, domain.Site2Site, request.ID, asked)
	if err != nil {
		return nil, err
	}
	return gen.GetClientSite2SiteSessionsPage200JSONResponse(sessionPage(page)), nil
}

// GetClientSite2UserSessionsPage implements the operation getClientSite2UserSessionsPage.
func (h tunnelSessions) GetClientSite2UserSessionsPage(
	ctx context.Context, request gen.GetClientSite2UserSessionsPageRequestObject,
) (gen.GetClientSite2UserSessionsPageResponseObject, error) {
	asked := pageRequest(request.Params.Cursor, request.Params.Size)
	page, err := h.sessions.PageOf(ctx, domain.Site2User, request.ID, asked)
	if err != nil {
		return nil, err
	}
	return gen.GetClientSite2UserSessionsPage200JSONResponse(sessionPage(page)), nil
}

// KillInstanceSession implements the operation killInstanceSession.
func (h tunnelSessions) KillInstanceSession(
	ctx context.Context, request gen.KillInstanceSessionRequestObject,
) (gen.KillInstanceSessionResponseObject, error) {
	session, err := h.sessions.Kill(ctx, request.ID, request.SessionID)
	if err != nil {
		return nil, err
	}
	return gen.KillInstanceSession200JSONResponse(convertSession(session)), nil
}

func sessionPage(page domain.Page[tunnel.Session]) gen.TunnelSessionPage {
	return gen.TunnelSessionPage{Cursor: cursorOf(page), Sessions: convertAll(page.Items, convertSession)}
}

func convertSession(s tunnel.Session) gen.TunnelSession {
	return gen.TunnelSession{
		ID: s.ID, InstanceID: s.InstanceID, ClientID: optional(s.ClientID), Name: s.Name, State: string(s.State),
		RealAddress: optional(addressText(s.Real.Addr())), RealPort: optional(int(s.Real.Port())),
		Address: optional(addressText(s.Address)), AddressV6: optional(addressText(s.AddressV6)), Cipher: s.Cipher,
		BytesIn: s.BytesIn, BytesOut: s.BytesOut, ConnectedAt: date(s.ConnectedAt),
		ConfirmedAt: optionalDate(s.ConfirmedAt), DisconnectedAt: optionalDate(s.EndedAt),
		KillRequestedAt: optionalDate(s.KillAt),
	}
}

// ReportInstanceAgent implements the operation reportInstanceAgent.
func (h tunnelSessions) ReportInstanceAgent(
	ctx context.Context, request gen.ReportInstanceAgentRequestObject,
) (gen.ReportInstanceAgentResponseObject, error) {
	report, err := agentReport(*request.Body)
	if err != nil {
		return nil, err
	}
	done, err := h.sessions.Report(ctx, request.ID, report)
	if err != nil {
		return nil, err
	}
	return gen.ReportInstanceAgent200JSONResponse{
		Body:    gen.AgentReported{Mark: done.Mark},
		Headers: gen.ReportInstanceAgent200ResponseHeaders{CacheControl: header(noStore)},
	}, nil
}

func agentReport(b gen.AgentReport) (r tunnel.Report, err error) {
	at, err := parseDate("at", &b.At)
	if err != nil {
		return r, err
	}
	r = tunnel.Report{
		AgentFacts: domain.AgentFacts{
			Version: b.Version, Interval: b.Interval, Up: b.Up, OpenVPN: text(b.Openvpn), Tag: text(b.Tag),
			Pending: value(b.Pending), Reload: text(b.Reload), Failures: value(b.Failures),
		},
		At: value(at), Looked: b.Looked,
	}
	for _, l := range b.Lists {
		r.Lists = append(r.Lists, domain.ListInPlace{Issuer: l.Issuer, Number: l.Number})
	}
	if !b.Looked {
		return r, nil
	}
	var faults domain.FaultList
	r.Base, r.After, r.Upto = text(b.Base), b.After, b.Upto
	r.Sessions = seenSessions("sessions", b.Sessions, &faults)
	r.Ended = seenSessions("ended", b.Ended, &faults)
	return r, faults.Err()
}

func convertList(l tunnel.ListStatus, reported bool) gen.InstanceListStatus {
	out := gen.InstanceListStatus{CaID: l.CAID, Ca: l.CA, CurrentNumber: l.Number.String()}
	if l.InPlace != nil {
		out.Number = optional(l.InPlace.String())
	}
	if reported && l.InPlace != nil {
		behind := l.Behind()
		out.Behind = &behind
	}
	return out
}

// GetInstanceStatus implements the operation getInstanceStatus.
func (h tunnelSessions) GetInstanceStatus(
	ctx context.Context, request gen.GetInstanceStatusRequestObject,
) (gen.GetInstanceStatusResponseObject, error) {
	status, err := h.sessions.Status(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	return gen.GetInstanceStatus200JSONResponse(convertStatus(status)), nil
}

func convertStatus(s tunnel.Status) gen.InstanceStatus {
	a, reported := s.Agent, !s.Agent.ReportedAt.IsZero()
	out := gen.InstanceStatus{
		InstanceID: a.InstanceID, Agent: gen.InstanceAgentStatus{State: string(a.State(s.At))},
		Files: gen.InstanceFilesStatus{CurrentTag: s.Tag},
	}
	for _, l := range s.Lists {
		out.Lists = append(out.Lists, convertList(l, reported))
	}
	if !reported {
		return out
	}
	age, current := int64(s.At.Sub(a.ReportedAt)/time.Second), a.Tag == s.Tag
	out.Agent.ReportedAt, out.Agent.Age, out.Agent.Interval = optionalDate(a.ReportedAt), &age, &a.Interval
	out.Agent.Version, out.Agent.Failures = optional(a.Version), &a.Failures
	out.Openvpn.Version, out.Openvpn.ConfirmedAt = optional(a.OpenVPN), optionalDate(a.LookedAt)
	out.Files.Current, out.Files.Tag, out.Files.Pending = &current, optional(a.Tag), &a.Pending
	out.Files.Reload = optional(a.Reload)
	if a.State(s.At) == domain.AgentOK {
		out.Openvpn.Up = &a.Up
	}
	if a.Sees(s.At) {
		out.Openvpn.Sessions = &s.Sessions
	}
	return out
}
