package api

import (
	"context"
	"io"
	"strconv"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/csvfile"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

type plans struct{ service *tunnel.Plans }

// GetInstancePlanPage implements the operation getInstancePlanPage.
func (h plans) GetInstancePlanPage(
	ctx context.Context, request gen.GetInstancePlanPageRequestObject,
) (gen.GetInstancePlanPageResponseObject, error) {
	plan, err := h.service.Of(ctx, request.ID, pageRequest(request.Params.Cursor, request.Params.Size))
	if err != nil {
		return nil, err
	}
	return gen.GetInstancePlanPage200JSONResponse{
		InstanceID: plan.Instance.ID, Instance: plan.Instance.Name, Gateway: plan.Instance.Gateway,
		Tunnels: convertAll(plan.Tunnels, convertTunnel), Cursor: cursorOf(plan.Networks),
		Networks: convertAll(plan.Networks.Items, convertNetwork),
	}, nil
}

// maxRanges is how many runs of free addresses an answer has.
const maxRanges = 1000

func convertTunnel(t tunnel.Tunnel) gen.PlanTunnel {
	out := gen.PlanTunnel{
		Network: t.Network.String(), Server: t.Server.String(), Size: t.Size, Used: t.Used, Free: t.FreeSize(),
		FreeRanges:     convertAll(t.Free[:min(len(t.Free), maxRanges)], convertSpan),
		FreeRangesMore: len(t.Free) > maxRanges,
	}
	if !t.Pool.Empty() {
		out.DhcpStart, out.DhcpEnd = optional(t.Pool.First.String()), optional(t.Pool.Last.String())
	}
	return out
}

func convertSpan(s domain.Span) gen.PlanRange {
	return gen.PlanRange{First: s.First.String(), Last: s.Last.String(), Size: s.Size()}
}

func convertNetwork(n domain.OwnedNetwork) gen.PlanNetwork {
	out := gen.PlanNetwork{
		ID: n.ID, Kind: string(n.Kind), Network: n.Own().String(), InstanceID: n.InstanceID, Instance: n.InstanceName,
		ClientID: optional(n.ClientID), Client: n.ClientName, ClientRevoked: n.Abandoned,
	}
	if n.Inside.IsValid() {
		out.Mapped = optional(n.Prefix.String())
	}
	return out
}

// planColumns are the columns of an export.
var planColumns = []string{
	"kind", "network", "mapped", "first", "last", "instance_id", "instance", "client_id", "client", "client_revoked",
}

// ExportInstancePlan implements the operation exportInstancePlan.
func (h plans) ExportInstancePlan(
	ctx context.Context, request gen.ExportInstancePlanRequestObject,
) (gen.ExportInstancePlanResponseObject, error) {
	file, err := stream(func(w io.Writer) error { return h.export(ctx, request.ID, w) })
	if err != nil {
		return nil, err
	}
	return gen.ExportInstancePlan200TextCsvResponse{
		Body: file, Headers: gen.ExportInstancePlan200ResponseHeaders{ContentDisposition: attachment("plan.csv")},
	}, nil
}

// export writes the plan as a file. Rows that are still buffered at an error are dropped: if the
// client has received nothing yet, it is sent the error.
func (h plans) export(ctx context.Context, id int64, w io.Writer) error {
	rows, err := csvfile.NewWriter(w, planColumns)
	if err != nil {
		return err
	}
	tunnels, err := h.service.Each(ctx, id, func(n domain.OwnedNetwork) error { return rows.Write(networkCells(n)) })
	if err != nil {
		return err
	}
	for _, t := range tunnels {
		for _, free := range t.Free {
			cells := []string{"free", t.Network.String(), "", free.First.String(), free.Last.String(), "", "", "", "", ""}
			if err := rows.Write(cells); err != nil {
				return err
			}
		}
	}
	return rows.Flush()
}

// networkCells returns the cells of planColumns.
func networkCells(n domain.OwnedNetwork) []string {
	out := convertNetwork(n)
	client := ""
	if out.ClientID != nil {
		client = strconv.FormatInt(*out.ClientID, 10)
	}
	return []string{
		out.Kind, out.Network, value(out.Mapped), n.Own().Addr().String(), domain.LastAddress(n.Own()).String(),
		strconv.FormatInt(out.InstanceID, 10), out.Instance, client, out.Client, strconv.FormatBool(out.ClientRevoked),
	}
}
