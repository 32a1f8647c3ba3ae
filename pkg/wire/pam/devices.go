package pam

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	gen "github.com/chaveiro/chaveiro/gen/pam"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/vault"
)

type devices struct {
	service     *vault.Devices
	tellChanged bool // the answer to an upsert says whether it has changed something
}

// GetDevice implements the operation getDevice.
func (h devices) GetDevice(
	ctx context.Context, request gen.GetDeviceRequestObject,
) (gen.GetDeviceResponseObject, error) {
	device, err := h.service.Get(ctx, request.Ref)
	if err != nil {
		return nil, err
	}
	return gen.GetDevice200JSONResponse{
		Code: http.StatusOK, Response: succeeded(http.StatusOK, fmt.Sprintf("Device %d", device.ID)),
		Device: convertDevice(device, tagsOther),
	}, nil
}

// UpsertDevice implements the operation upsertDevice.
func (h devices) UpsertDevice(
	ctx context.Context, request gen.UpsertDeviceRequestObject,
) (gen.UpsertDeviceResponseObject, error) {
	b := request.JSONBody // normalise has made it
	done, err := h.service.Upsert(ctx, domain.DeviceSpec{
		Hostname: b.Hostname, IP: b.IP, Model: b.Model, Type: b.Type, Vendor: b.Vendor,
		Site:    b.Site,
		Domains: b.DeviceDomain, Tags: b.DeviceTags, Connectivities: b.Connectivities, Remote: b.SessionRemoteConfig,
	}, nonceOf(ctx))
	if err != nil {
		return nil, err
	}
	message, tags := textUpdated, tagsOther
	if done.Created() {
		message, tags = textCreated, tagsCreated
	}
	response := succeeded(http.StatusCreated, message)
	if !done.After.Enabled {
		response.Detail = detailDisabled
	}
	if h.tellChanged {
		response.Changed = new(gen.Changed(strconv.FormatBool(done.Changed())))
	}
	return gen.UpsertDevice201JSONResponse{
		Code: http.StatusCreated, Response: response, Device: convertDevice(done.After, tags),
	}, nil
}

// DisableDevice implements the operation disableDevice.
func (h devices) DisableDevice(
	ctx context.Context, request gen.DisableDeviceRequestObject,
) (gen.DisableDeviceResponseObject, error) {
	if err := h.service.Disable(ctx, namedDevice(ctx, request.Ref), nonceOf(ctx)); err != nil {
		return nil, err
	}
	return gen.DisableDevice200JSONResponse{Code: http.StatusOK, Response: succeeded(http.StatusOK, textDeactivated)},
		nil
}

// EnableDevice implements the operation enableDevice.
func (h devices) EnableDevice(
	ctx context.Context, request gen.EnableDeviceRequestObject,
) (gen.EnableDeviceResponseObject, error) {
	if err := h.service.Enable(ctx, namedDevice(ctx, request.Ref), nonceOf(ctx)); err != nil {
		return nil, err
	}
	return gen.EnableDevice200JSONResponse{Code: http.StatusOK, Response: succeeded(http.StatusOK, textActivated)}, nil
}

// namedDevice returns the device that a change is for. The body may name a hostname in addition to
// the reference in the path. A body that can't be read is ignored.
func namedDevice(ctx context.Context, ref string) vault.Ref {
	fields, _ := bodyOf(ctx).fields([]string{"device"})
	return vault.Ref{Path: ref, Hostname: fields["device"]}
}
