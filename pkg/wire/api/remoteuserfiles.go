package api

import (
	"bytes"
	"context"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

// GetClientSite2UserCertificate implements the operation getClientSite2UserCertificate.
func (h remoteUsers) GetClientSite2UserCertificate(
	ctx context.Context, request gen.GetClientSite2UserCertificateRequestObject,
) (gen.GetClientSite2UserCertificateResponseObject, error) {
	pem, err := h.keys.Certificate(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	return gen.GetClientSite2UserCertificate200ApplicationXPemFileResponse{
		Body: bytes.NewReader(pem), ContentLength: int64(len(pem)),
		Headers: gen.GetClientSite2UserCertificate200ResponseHeaders{
			CacheControl: header(noCache), ContentDisposition: attachment(clientFile(request.ID, ".crt")),
		},
	}, nil
}

// GetClientSite2UserKey implements the operation getClientSite2UserKey.
func (h remoteUsers) GetClientSite2UserKey(
	ctx context.Context, request gen.GetClientSite2UserKeyRequestObject,
) (gen.GetClientSite2UserKeyResponseObject, error) {
	pem, err := h.keys.Key(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	return gen.GetClientSite2UserKey200ApplicationXPemFileResponse{
		Body: bytes.NewReader(pem), ContentLength: int64(len(pem)),
		Headers: gen.GetClientSite2UserKey200ResponseHeaders{
			CacheControl: header(noStore), ContentDisposition: attachment(clientFile(request.ID, ".key")),
		},
	}, nil
}

// CreateClientSite2UserPkcs12 implements the operation createClientSite2UserPkcs12.
func (h remoteUsers) CreateClientSite2UserPkcs12(
	ctx context.Context, request gen.CreateClientSite2UserPkcs12RequestObject,
) (gen.CreateClientSite2UserPkcs12ResponseObject, error) {
	profile := pki.PKCS12Profile(text(request.Body.Profile))
	file, err := h.keys.PKCS12(ctx, request.ID, profile, domain.Secret(request.Body.Password))
	if err != nil {
		return nil, err
	}
	return gen.CreateClientSite2UserPkcs12200ApplicationXPkcs12Response{
		Body: bytes.NewReader(file), ContentLength: int64(len(file)),
		Headers: gen.CreateClientSite2UserPkcs12200ResponseHeaders{
			CacheControl: header(noStore), ContentDisposition: attachment(clientFile(request.ID, ".p12")),
		},
	}, nil
}

// GetClientSite2UserProfile implements the operation getClientSite2UserProfile.
func (h remoteUsers) GetClientSite2UserProfile(
	ctx context.Context, request gen.GetClientSite2UserProfileRequestObject,
) (gen.GetClientSite2UserProfileResponseObject, error) {
	p := request.Params
	asked := tunnel.ProfileRequest{ClientID: request.ID, Format: text(p.Format), WithoutKey: p.Key != nil && !*p.Key}
	file, err := h.profile(ctx, asked)
	if err != nil {
		return nil, err
	}
	return gen.GetClientSite2UserProfile200ApplicationOctetStreamResponse{
		Body: bytes.NewReader(file.Content), ContentLength: int64(len(file.Content)),
		Headers: gen.GetClientSite2UserProfile200ResponseHeaders{
			CacheControl: header(noStore), ContentDisposition: attachment(file.Name),
		},
	}, nil
}

// CreateClientSite2UserProfile implements the operation createClientSite2UserProfile.
func (h remoteUsers) CreateClientSite2UserProfile(
	ctx context.Context, request gen.CreateClientSite2UserProfileRequestObject,
) (gen.CreateClientSite2UserProfileResponseObject, error) {
	b := request.Body
	asked := tunnel.ProfileRequest{
		ClientID: request.ID, Format: text(b.Format), Password: domain.Secret(text(b.Password)),
	}
	file, err := h.profile(ctx, asked)
	if err != nil {
		return nil, err
	}
	return gen.CreateClientSite2UserProfile200ApplicationOctetStreamResponse{
		Body: bytes.NewReader(file.Content), ContentLength: int64(len(file.Content)),
		Headers: gen.CreateClientSite2UserProfile200ResponseHeaders{
			CacheControl: header(noStore), ContentDisposition: attachment(file.Name),
		},
	}, nil
}

// profile makes the profile of a user at the user's instance.
func (h remoteUsers) profile(ctx context.Context, asked tunnel.ProfileRequest) (file tunnel.Download, err error) {
	if asked.InstanceID, err = h.users.Instance(ctx, asked.ClientID); err != nil {
		return file, err
	}
	return h.made.profiles.Profile(ctx, asked)
}
