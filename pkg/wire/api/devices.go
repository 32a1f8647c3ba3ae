package api

import (
	"context"
	"io"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
	"github.com/chaveiro/chaveiro/pkg/vault"
)

type devices struct {
	service *vault.Devices
	audit   *audit.Trail
	results *idempotency.Results
}

// GetPamDevicesPage implements the operation getPamDevicesPage.
func (h devices) GetPamDevicesPage(
	ctx context.Context, request gen.GetPamDevicesPageRequestObject,
) (gen.GetPamDevicesPageResponseObject, error) {
	p := request.Params
	page, err := h.service.Page(ctx, domain.DeviceFilter{
		Hostname: text(p.Hostname), IP: text(p.IP), Model: text(p.Model), Type: text(p.Type), Vendor: text(p.Vendor),
		Site: text(p.Site),
		Tag:  text(p.Tag), Domain: text(p.Domain), Enabled: p.Enabled, Text: text(p.Q),
	}, pageRequest(p.Cursor, p.Size))
	if err != nil {
		return nil, err
	}
	return gen.GetPamDevicesPage200JSONResponse{Cursor: cursorOf(page), Devices: convertAll(page.Items, convertDevice)},
		nil
}

// GetPamDevice implements the operation getPamDevice.
func (h devices) GetPamDevice(
	ctx context.Context, request gen.GetPamDeviceRequestObject,
) (gen.GetPamDeviceResponseObject, error) {
	device, err := h.service.ByID(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	return gen.GetPamDevice200JSONResponse(convertDevice(device)), nil
}

// GetPamDeviceHistoryPage implements the operation getPamDeviceHistoryPage.
func (h devices) GetPamDeviceHistoryPage(
	ctx context.Context, request gen.GetPamDeviceHistoryPageRequestObject,
) (gen.GetPamDeviceHistoryPageResponseObject, error) {
	if _, err := h.service.ByID(ctx, request.ID); err != nil {
		return nil, err
	}
	filter := domain.AuditFilter{Resource: domain.ScopeDevices, ResourceID: request.ID, Descending: true}
	page, err := h.audit.Page(ctx, filter, pageRequest(request.Params.Cursor, request.Params.Size))
	if err != nil {
		return nil, err
	}
	events, err := convertEvents(page.Items)
	return gen.GetPamDeviceHistoryPage200JSONResponse{Cursor: cursorOf(page), Events: events}, err
}

// ImportPamDevices implements the operation importPamDevices.
func (h devices) ImportPamDevices(
	ctx context.Context, request gen.ImportPamDevicesRequestObject,
) (gen.ImportPamDevicesResponseObject, error) {
	answer, err := idempotency.Do(ctx, h.results, func() (gen.PamDeviceImport, error) {
		answer, err := h.importFile(ctx, request)
		if err != nil {
			return answer, err
		}
		// An import is many transactions, and this is one more: if it is lost, a repeat imports the
		// same rows again, which changes nothing.
		keep := func(domain.Store) (any, error) { return answer, nil }
		return answer, h.results.Transact(context.WithoutCancel(ctx), keep)
	})
	if err != nil {
		return nil, err
	}
	return gen.ImportPamDevices200JSONResponse(answer), nil
}

func (h devices) importFile(
	ctx context.Context, request gen.ImportPamDevicesRequestObject,
) (gen.PamDeviceImport, error) {
	atomic := request.Params.Atomic == nil || *request.Params.Atomic
	result, err := h.service.Import(ctx, request.Body, atomic)
	if err != nil {
		return gen.PamDeviceImport{}, err
	}
	answer := gen.PamDeviceImport{
		Created: result.Created, Updated: result.Updated, Unchanged: result.Unchanged, Failed: result.Failed,
		Errors: []gen.PamDeviceImportError{},
	}
	lang := languageOf(text(request.Params.AcceptLanguage))
	for _, row := range result.Faults {
		for _, fault := range domain.Faults(row.Err) {
			if len(answer.Errors) < domain.MaxFaults {
				answer.Errors = append(answer.Errors, gen.PamDeviceImportError{
					Row: row.Row, Line: fault.Line, Field: fault.Field,
					Type: gen.FieldErrorType(types[fault.Kind]), Msg: filledIn(fault, lang),
				})
			}
		}
	}
	return answer, nil
}

// ExportPamDevices implements the operation exportPamDevices.
func (h devices) ExportPamDevices(
	ctx context.Context, request gen.ExportPamDevicesRequestObject,
) (gen.ExportPamDevicesResponseObject, error) {
	p := request.Params
	filter := domain.DeviceFilter{
		Hostname: text(p.Hostname), IP: text(p.IP), Model: text(p.Model), Type: text(p.Type), Vendor: text(p.Vendor),
		Site: text(p.Site),
		Tag:  text(p.Tag), Domain: text(p.Domain), Enabled: p.Enabled, Text: text(p.Q),
	}
	file, err := stream(func(w io.Writer) error { return h.service.Export(ctx, filter, w) })
	if err != nil {
		return nil, err
	}
	return gen.ExportPamDevices200TextCsvResponse{
		Body: file, Headers: gen.ExportPamDevices200ResponseHeaders{ContentDisposition: attachment("devices.csv")},
	}, nil
}

func convertDevice(d domain.Device) gen.PamDevice {
	return gen.PamDevice{
		ID: d.ID, Hostname: d.Hostname, IP: d.IP, Model: d.Model, Type: d.Type, Vendor: d.Vendor, Site: d.Site,
		Domains: notNil(d.Domains), Tags: notNil(d.Tags), Enabled: d.Enabled, CreatedAt: date(d.CreatedAt),
		UpdatedAt: date(d.UpdatedAt),
		Connectivities: convertAll(d.Connectivities, func(c domain.Connectivity) gen.PamConnectivity {
			return gen.PamConnectivity{Type: c.Type, Port: c.Port}
		}),
		RemoteSessions: convertAll(d.Remote, func(r domain.RemoteExpression) gen.PamRemoteSession {
			return gen.PamRemoteSession{Connectivity: r.Connectivity, Expect: r.Expect, Fill: r.Fill}
		}),
	}
}

// notNil returns a list that is [] in JSON when it is empty.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

type deviceDomains struct{ service *vault.DeviceDomains }

// GetDeviceDomainsPage implements the operation getDeviceDomainsPage.
func (h deviceDomains) GetDeviceDomainsPage(
	ctx context.Context, request gen.GetDeviceDomainsPageRequestObject,
) (gen.GetDeviceDomainsPageResponseObject, error) {
	page, err := h.service.Page(ctx, pageRequest(request.Params.Cursor, request.Params.Size))
	if err != nil {
		return nil, err
	}
	return gen.GetDeviceDomainsPage200JSONResponse{
		Cursor: cursorOf(page), Domains: convertAll(page.Items, convertDeviceDomain),
	}, nil
}

// GetDeviceDomain implements the operation getDeviceDomain.
func (h deviceDomains) GetDeviceDomain(
	ctx context.Context, request gen.GetDeviceDomainRequestObject,
) (gen.GetDeviceDomainResponseObject, error) {
	found, err := h.service.Get(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	return gen.GetDeviceDomain200JSONResponse(convertDeviceDomain(found)), nil
}

// CreateDeviceDomain implements the operation createDeviceDomain.
func (h deviceDomains) CreateDeviceDomain(
	ctx context.Context, request gen.CreateDeviceDomainRequestObject,
) (gen.CreateDeviceDomainResponseObject, error) {
	made, err := h.service.Create(
		ctx, domain.DeviceDomain{Name: request.Body.Name, ShortName: text(request.Body.ShortName)},
	)
	if err != nil {
		return nil, err
	}
	return gen.CreateDeviceDomain200JSONResponse(convertDeviceDomain(made)), nil
}

// UpdateDeviceDomain implements the operation updateDeviceDomain.
func (h deviceDomains) UpdateDeviceDomain(
	ctx context.Context, request gen.UpdateDeviceDomainRequestObject,
) (gen.UpdateDeviceDomainResponseObject, error) {
	changed, err := h.service.Update(
		ctx, request.ID, domain.DeviceDomainUpdate{Name: request.Body.Name, ShortName: request.Body.ShortName},
	)
	if err != nil {
		return nil, err
	}
	return gen.UpdateDeviceDomain200JSONResponse(convertDeviceDomain(changed)), nil
}

// DeleteDeviceDomain implements the operation deleteDeviceDomain.
func (h deviceDomains) DeleteDeviceDomain(
	ctx context.Context, request gen.DeleteDeviceDomainRequestObject,
) (gen.DeleteDeviceDomainResponseObject, error) {
	if err := h.service.Delete(ctx, request.ID); err != nil {
		return nil, err
	}
	return gen.DeleteDeviceDomain200Response{}, nil
}

func convertDeviceDomain(d domain.DeviceDomain) gen.DeviceDomain {
	return gen.DeviceDomain{
		ID: d.ID, Name: d.Name, ShortName: d.ShortName, CreatedAt: date(d.CreatedAt), UpdatedAt: date(d.UpdatedAt),
	}
}
