package api

import (
	"context"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

type instanceModels struct{ models *tunnel.Models }

// GetInstanceModelsPage implements the operation getInstanceModelsPage.
func (h instanceModels) GetInstanceModelsPage(
	ctx context.Context, request gen.GetInstanceModelsPageRequestObject,
) (gen.GetInstanceModelsPageResponseObject, error) {
	page, err := h.models.Page(ctx, pageRequest(request.Params.Cursor, request.Params.Size))
	if err != nil {
		return nil, err
	}
	return gen.GetInstanceModelsPage200JSONResponse{
		Cursor: cursorOf(page), InstancesModels: convertAll(page.Items, convertModel),
	}, nil
}

// CreateInstanceModel implements the operation createInstanceModel.
func (h instanceModels) CreateInstanceModel(
	ctx context.Context, request gen.CreateInstanceModelRequestObject,
) (gen.CreateInstanceModelResponseObject, error) {
	m, err := h.models.Create(ctx, domain.InstanceModel{Name: request.Body.Name, Template: request.Body.Template})
	if err != nil {
		return nil, err
	}
	return gen.CreateInstanceModel200JSONResponse(convertModel(m)), nil
}

// GetDefaultInstanceModel implements the operation getDefaultInstanceModel.
func (h instanceModels) GetDefaultInstanceModel(
	context.Context, gen.GetDefaultInstanceModelRequestObject,
) (gen.GetDefaultInstanceModelResponseObject, error) {
	m := h.models.Default()
	return gen.GetDefaultInstanceModel200JSONResponse{Name: m.Name, Template: m.Template}, nil
}

// GetInstanceModel implements the operation getInstanceModel.
func (h instanceModels) GetInstanceModel(
	ctx context.Context, request gen.GetInstanceModelRequestObject,
) (gen.GetInstanceModelResponseObject, error) {
	m, err := h.models.Get(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	return gen.GetInstanceModel200JSONResponse(convertModel(m)), nil
}

// UpdateInstanceModel implements the operation updateInstanceModel.
func (h instanceModels) UpdateInstanceModel(
	ctx context.Context, request gen.UpdateInstanceModelRequestObject,
) (gen.UpdateInstanceModelResponseObject, error) {
	update := domain.InstanceModelUpdate{Name: request.Body.Name, Template: request.Body.Template}
	m, err := h.models.Update(ctx, request.ID, update)
	if err != nil {
		return nil, err
	}
	return gen.UpdateInstanceModel200JSONResponse(convertModel(m)), nil
}

// DeleteInstanceModel implements the operation deleteInstanceModel.
func (h instanceModels) DeleteInstanceModel(
	ctx context.Context, request gen.DeleteInstanceModelRequestObject,
) (gen.DeleteInstanceModelResponseObject, error) {
	if err := h.models.Delete(ctx, request.ID); err != nil {
		return nil, err
	}
	return gen.DeleteInstanceModel200Response{}, nil
}

func convertModel(m domain.InstanceModel) gen.InstanceModel {
	return gen.InstanceModel{
		ID: m.ID, Name: m.Name, Template: m.Template, CreatedAt: date(m.CreatedAt), UpdatedAt: date(m.UpdatedAt),
	}
}
