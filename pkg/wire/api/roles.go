package api

import (
	"context"
	"fmt"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

type roles struct{ service *access.Roles }

// GetRolesPage implements the operation getRolesPage.
func (h roles) GetRolesPage(
	ctx context.Context, request gen.GetRolesPageRequestObject,
) (gen.GetRolesPageResponseObject, error) {
	page, err := h.service.Page(ctx, pageRequest(request.Params.Cursor, request.Params.Size))
	if err != nil {
		return nil, err
	}
	return gen.GetRolesPage200JSONResponse{Cursor: cursorOf(page), Roles: convertAll(page.Items, convertRole)}, nil
}

// GetRole implements the operation getRole.
func (h roles) GetRole(ctx context.Context, request gen.GetRoleRequestObject) (gen.GetRoleResponseObject, error) {
	role, err := h.service.Get(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	return gen.GetRole200JSONResponse(convertRole(role)), nil
}

// CreateRole implements the operation createRole.
func (h roles) CreateRole(
	ctx context.Context, request gen.CreateRoleRequestObject,
) (gen.CreateRoleResponseObject, error) {
	role, err := h.service.Create(ctx, domain.Role{Name: request.Body.Name, Scopes: permissions(request.Body.Scopes)})
	if err != nil {
		return nil, err
	}
	return gen.CreateRole200JSONResponse(convertRole(role)), nil
}

// UpdateRole implements the operation updateRole.
func (h roles) UpdateRole(
	ctx context.Context, request gen.UpdateRoleRequestObject,
) (gen.UpdateRoleResponseObject, error) {
	role, err := h.service.Update(
		ctx, request.ID, domain.RoleUpdate{Name: request.Body.Name, Scopes: permissions(request.Body.Scopes)},
	)
	if err != nil {
		return nil, err
	}
	return gen.UpdateRole200JSONResponse(convertRole(role)), nil
}

// DeleteRole implements the operation deleteRole.
func (h roles) DeleteRole(
	ctx context.Context, request gen.DeleteRoleRequestObject,
) (gen.DeleteRoleResponseObject, error) {
	if err := h.service.Delete(ctx, request.ID); err != nil {
		return nil, err
	}
	return gen.DeleteRole200Response{}, nil
}

// GetScopes implements the operation getScopes.
func (h roles) GetScopes(context.Context, gen.GetScopesRequestObject) (gen.GetScopesResponseObject, error) {
	return gen.GetScopes200JSONResponse{Scopes: convertAll(domain.Scopes(), convertPermission)}, nil
}

func convertRole(r domain.Role) gen.Role {
	return gen.Role{
		ID: r.ID, Name: r.Name, Scopes: convertAll(r.Scopes, convertPermission), CreatedAt: date(r.CreatedAt),
		UpdatedAt: date(r.UpdatedAt),
	}
}

func convertPermission(p domain.Permission) gen.ScopeRights {
	return gen.ScopeRights{Name: string(p.Scope), Read: p.Read, Write: p.Write}
}

// permissions reads a list of rights; nil stays nil.
func permissions(list []gen.ScopeRights) []domain.Permission {
	if list == nil {
		return nil
	}
	return convertAll(list, func(s gen.ScopeRights) domain.Permission {
		return domain.Permission{Scope: domain.Scope(s.Name), Read: s.Read, Write: s.Write}
	})
}

// roleRefs is how users and apikeys show their roles.
func roleRefs(list []domain.Role) []gen.RoleRef {
	return convertAll(list, func(r domain.Role) gen.RoleRef { return gen.RoleRef{ID: r.ID, Name: r.Name} })
}

// roleIDs reads a list of roles, each an id or an object with one; nil stays nil.
func roleIDs(list []gen.RoleID) ([]int64, error) {
	if list == nil {
		return nil, nil
	}
	ids := make([]int64, len(list))
	var faults domain.FaultList
	for i, one := range list {
		id, err := one.AsRoleID0()
		if err != nil {
			var object gen.RoleID1
			object, err = one.AsRoleID1()
			id = object.ID
		}
		if err != nil {
			faults.Add(domain.Fault(domain.Invalid, fmt.Sprintf("roles[%d]", i), domain.ReasonType, "integer"))
		}
		ids[i] = id
	}
	return ids, faults.Err()
}
