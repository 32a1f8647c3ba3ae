package api

import (
	"context"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

type users struct{ service *access.Users }

// GetUsersPage implements the operation getUsersPage.
func (h users) GetUsersPage(
	ctx context.Context, request gen.GetUsersPageRequestObject,
) (gen.GetUsersPageResponseObject, error) {
	page, err := h.service.Page(ctx, pageRequest(request.Params.Cursor, request.Params.Size))
	if err != nil {
		return nil, err
	}
	return gen.GetUsersPage200JSONResponse{Cursor: cursorOf(page), Users: convertAll(page.Items, convertUser)}, nil
}

// GetUser implements the operation getUser.
func (h users) GetUser(ctx context.Context, request gen.GetUserRequestObject) (gen.GetUserResponseObject, error) {
	user, err := h.service.Get(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	return gen.GetUser200JSONResponse(convertUser(user)), nil
}

// CreateUser implements the operation createUser.
func (h users) CreateUser(
	ctx context.Context, request gen.CreateUserRequestObject,
) (gen.CreateUserResponseObject, error) {
	b := request.Body
	ids, err := roleIDs(b.Roles)
	if err != nil {
		return nil, err
	}
	user, err := h.service.Create(ctx, domain.User{
		Username: b.Username, Email: text(b.Email), FullName: text(b.Fullname), Superuser: b.Superuser != nil &&
			*b.Superuser,
		Enabled: b.Enabled == nil || *b.Enabled,
	}, domain.Secret(b.Password), ids)
	if err != nil {
		return nil, err
	}
	return gen.CreateUser200JSONResponse(convertUser(user)), nil
}

// UpdateUser implements the operation updateUser.
func (h users) UpdateUser(
	ctx context.Context, request gen.UpdateUserRequestObject,
) (gen.UpdateUserResponseObject, error) {
	b := request.Body
	ids, err := roleIDs(b.Roles)
	if err != nil {
		return nil, err
	}
	user, err := h.service.Update(ctx, request.ID, domain.UserUpdate{
		Username: b.Username, Email: b.Email, FullName: b.Fullname, Password: secret(b.Password),
		Superuser: b.Superuser, Roles: ids, Enabled: b.Enabled,
	}, sparing(request.Params.Self)...)
	if err != nil {
		return nil, err
	}
	return gen.UpdateUser200JSONResponse(convertUser(user)), nil
}

// DeleteUser implements the operation deleteUser.
func (h users) DeleteUser(
	ctx context.Context, request gen.DeleteUserRequestObject,
) (gen.DeleteUserResponseObject, error) {
	if err := h.service.Delete(ctx, request.ID, sparing(request.Params.Self)...); err != nil {
		return nil, err
	}
	return gen.DeleteUser200Response{}, nil
}

// GetUserInfo implements the operation getUserInfo.
func (h users) GetUserInfo(ctx context.Context, _ gen.GetUserInfoRequestObject) (gen.GetUserInfoResponseObject, error) {
	profile, err := h.service.Profile(ctx)
	if err != nil {
		return nil, err
	}
	return gen.GetUserInfo200JSONResponse(convertProfile(profile)), nil
}

// UpdateUserInfo implements the operation updateUserInfo. A new password ends all sessions, so a
// caller that came with cookies gets new ones: these clients never sign in again by themselves.
func (h users) UpdateUserInfo(
	ctx context.Context, request gen.UpdateUserInfoRequestObject,
) (gen.UpdateUserInfoResponseObject, error) {
	b := request.Body
	profile, session, err := h.service.UpdateProfile(ctx, access.ProfileUpdate{
		Email: b.Email, FullName: b.Fullname, Current: secret(b.CurrentPassword), Password: secret(b.Password),
	})
	if err != nil {
		return nil, err
	}
	if session != nil && infoOf(ctx).byCookie {
		setSession(ctx, *session)
	}
	return gen.UpdateUserInfo200JSONResponse{
		Body: convertProfile(profile), Headers: gen.UpdateUserInfo200ResponseHeaders{CacheControl: header(noStore)},
	}, nil
}

func convertUser(u domain.User) gen.User {
	return gen.User{
		ID: u.ID, Username: u.Username, Email: u.Email, Fullname: u.FullName, Superuser: u.Superuser,
		Roles: roleRefs(u.Roles), Enabled: u.Enabled,
		CreatedAt: date(u.CreatedAt), UpdatedAt: date(u.UpdatedAt),
	}
}

func convertProfile(p access.Profile) gen.UserInfo {
	u := p.User
	return gen.UserInfo{
		ID: u.ID, Username: u.Username, Email: u.Email, Fullname: u.FullName, Superuser: u.Superuser,
		OwnerType: gen.OwnerType(p.Kind),
		Roles:     roleRefs(u.Roles), Scopes: convertAll(p.Scopes, convertPermission),
	}
}
