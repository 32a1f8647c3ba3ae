package api

import (
	"context"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// answer is convert with what is known of the connection of a client.
func (h clients) answer(ctx context.Context, c domain.Client) (gen.ClientSite2Site, error) {
	known, err := h.sessions.Connections(ctx, c.ID)
	return h.withConnection(c, known[c.ID]), err
}

// answers is answer for a list, by one question.
func (h clients) answers(ctx context.Context, list []domain.Client) ([]gen.ClientSite2Site, error) {
	ids := make([]int64, len(list))
	for i, c := range list {
		ids[i] = c.ID
	}
	known, err := h.sessions.Connections(ctx, ids...)
	return convertAll(list, func(c domain.Client) gen.ClientSite2Site { return h.withConnection(c, known[c.ID]) }), err
}

func (h clients) withConnection(c domain.Client, known domain.Connection) gen.ClientSite2Site {
	out := h.convert(c)
	if known.State != "" {
		out.Connected, out.LastSeen = string(known.State), optionalDate(known.LastSeen)
	}
	return out
}

// answer is convert with what is known of the connection of a user.
func (h remoteUsers) answer(ctx context.Context, u domain.RemoteUser) (gen.ClientSite2User, error) {
	known, err := h.sessions.Connections(ctx, u.ID)
	return h.withConnection(u, known[u.ID]), err
}

// answers is answer for a list, by one question.
func (h remoteUsers) answers(ctx context.Context, list []domain.RemoteUser) ([]gen.ClientSite2User, error) {
	ids := make([]int64, len(list))
	for i, u := range list {
		ids[i] = u.ID
	}
	known, err := h.sessions.Connections(ctx, ids...)
	convert := func(u domain.RemoteUser) gen.ClientSite2User { return h.withConnection(u, known[u.ID]) }
	return convertAll(list, convert), err
}

func (h remoteUsers) withConnection(u domain.RemoteUser, known domain.Connection) gen.ClientSite2User {
	out := h.convert(u)
	if known.State != "" {
		out.Connected, out.LastSeen = string(known.State), optionalDate(known.LastSeen)
		out.ConnStatus, out.ConnSourceIP = out.Connected, optional(addressText(known.Real.Addr()))
		out.ConnTunnelIP = optional(addressText(known.Address))
	}
	return out
}
