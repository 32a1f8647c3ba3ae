package api

import (
	"context"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// UpdatePamDevice implements the operation updatePamDevice.
func (h devices) UpdatePamDevice(
	ctx context.Context, request gen.UpdatePamDeviceRequestObject,
) (gen.UpdatePamDeviceResponseObject, error) {
	b := request.Body
	changed, err := h.service.Update(ctx, request.ID, domain.DeviceUpdate{
		Hostname: b.Hostname, IP: b.IP, Model: b.Model, Type: b.Type, Vendor: b.Vendor, Site: b.Site,
		Domains: b.Domains, Tags: b.Tags, Enabled: b.Enabled,
		Connectivities: convertSome(b.Connectivities, func(c gen.PamConnectivityUpdate) domain.ConnectivityUpdate {
			return domain.ConnectivityUpdate{Type: c.Type, Port: c.Port}
		}),
		Remote: convertSome(b.RemoteSessions, func(r gen.PamRemoteSessionUpdate) domain.RemoteExpression {
			return domain.RemoteExpression{Connectivity: r.Connectivity, Expect: text(r.Expect), Fill: text(r.Fill)}
		}),
	})
	if err != nil {
		return nil, err
	}
	return gen.UpdatePamDevice200JSONResponse(convertDevice(changed)), nil
}

// DisablePamDevice implements the operation disablePamDevice.
func (h devices) DisablePamDevice(
	ctx context.Context, request gen.DisablePamDeviceRequestObject,
) (gen.DisablePamDeviceResponseObject, error) {
	if _, err := h.service.SetEnabled(ctx, request.ID, false); err != nil {
		return nil, err
	}
	return gen.DisablePamDevice200Response{}, nil
}

// EnablePamDevice implements the operation enablePamDevice.
func (h devices) EnablePamDevice(
	ctx context.Context, request gen.EnablePamDeviceRequestObject,
) (gen.EnablePamDeviceResponseObject, error) {
	changed, err := h.service.SetEnabled(ctx, request.ID, true)
	if err != nil {
		return nil, err
	}
	return gen.EnablePamDevice200JSONResponse(convertDevice(changed)), nil
}

// convertSome is convertAll for lists in which nil means that none was sent.
func convertSome[From, To any](list []From, convert func(From) To) []To {
	if list == nil {
		return nil
	}
	return convertAll(list, convert)
}
