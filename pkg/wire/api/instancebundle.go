package api

import (
	"context"
	"io"
	"strings"
	"time"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

// GetInstanceBundle implements the operation getInstanceBundle.
func (h instances) GetInstanceBundle(
	ctx context.Context, request gen.GetInstanceBundleRequestObject,
) (gen.GetInstanceBundleResponseObject, error) {
	p := request.Params
	asked := tunnel.BundleRequest{
		Format: bundleFormat(text(p.Format), infoOf(ctx).accept), WithoutKeys: p.Key != nil && !*p.Key,
	}
	bundle, err := h.tunnels.Bundle(ctx, request.ID, asked)
	if err != nil {
		return nil, err
	}
	tag := `"` + bundle.Tag + `"`
	if p.IfNoneMatch != nil && matches(*p.IfNoneMatch, tag) {
		return gen.GetInstanceBundle304Response{
			Headers: gen.GetInstanceBundle304ResponseHeaders{ETag: &tag, CacheControl: header(noStore)},
		}, nil
	}
	write, err := h.tunnels.Send(ctx, bundle)
	if err != nil {
		return nil, err
	}
	name := tunnel.Unit(bundle.Instance.Name)
	headers := gen.GetInstanceBundle200ResponseHeaders{
		ETag: &tag, CacheControl: header(noStore), ContentDisposition: attachment(name + "." + string(asked.Format)),
	}
	if bundle.Stale {
		headers.ChaveiroCRLStale = new(gen.CrlStaleTrue)
	}
	return sendBundle(bundle, asked.Format, headers, write)
}

// bundleFormat is the form that is asked for: by the parameter, or by the type that Accept names
// first.
func bundleFormat(format, accept string) tunnel.BundleFormat {
	if format != "" {
		return tunnel.BundleFormat(format)
	}
	for part := range strings.SplitSeq(accept, ",") {
		media, _, _ := strings.Cut(part, ";")
		switch strings.TrimSpace(media) {
		case "application/gzip", "*/*":
			return tunnel.BundleTar
		case "application/zip":
			return tunnel.BundleZip
		case "application/json":
			return tunnel.BundleJSON
		}
	}
	return tunnel.BundleTar
}

func sendBundle(
	bundle *tunnel.Bundle, format tunnel.BundleFormat, headers gen.GetInstanceBundle200ResponseHeaders,
	write func(io.Writer) error,
) (gen.GetInstanceBundleResponseObject, error) {
	if format == tunnel.BundleJSON {
		body := gen.InstanceBundle{Files: convertAll(bundle.Regular(), convertBundleFile)}
		return gen.GetInstanceBundle200JSONResponse{Body: body, Headers: headers}, nil
	}
	file, err := stream(write)
	if err != nil {
		return nil, err
	}
	if format == tunnel.BundleZip {
		return gen.GetInstanceBundle200ApplicationZipResponse{Body: file, Headers: headers}, nil
	}
	return gen.GetInstanceBundle200ApplicationGzipResponse{Body: file, Headers: headers}, nil
}

func convertBundleFile(f tunnel.File) gen.InstanceBundleFile {
	mode := "0644"
	if f.Secret {
		mode = "0600"
	}
	return gen.InstanceBundleFile{
		Name: f.Name, Mode: mode, ModifiedAt: date(f.ModifiedAt().Truncate(time.Second)), Content: string(f.Content),
	}
}
