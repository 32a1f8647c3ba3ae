package api

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"time"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/pki"
)

// GetCaCrl implements the operation getCaCrl.
func (h cas) GetCaCrl(ctx context.Context, request gen.GetCaCrlRequestObject) (gen.GetCaCrlResponseObject, error) {
	crl, err := h.crls.Current(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	der := wantsDER(text(request.Params.Format), infoOf(ctx).accept)
	headers := crlHeaders(crl, der)
	if isCurrent(request.Params, *headers.ETag, crl.ThisUpdate) {
		return gen.GetCaCrl304Response{Headers: headers}, nil
	}
	whole := gen.GetCaCrl200ResponseHeaders{
		ETag: headers.ETag, LastModified: headers.LastModified, ChaveiroCRLStale: headers.ChaveiroCRLStale,
		CacheControl:       headers.CacheControl,
		ContentDisposition: attachment(caFile(request.ID, ".crl")),
	}
	if der {
		return gen.GetCaCrl200ApplicationPkixCrlResponse{
			Body: bytes.NewReader(crl.DER), ContentLength: int64(len(crl.DER)), Headers: whole,
		}, nil
	}
	return gen.GetCaCrl200ApplicationXPemFileResponse{
		Body: bytes.NewReader(crl.PEM), ContentLength: int64(len(crl.PEM)), Headers: whole,
	}, nil
}

// GetCaCrlBundle implements the operation getCaCrlBundle.
func (h cas) GetCaCrlBundle(
	ctx context.Context, request gen.GetCaCrlBundleRequestObject,
) (gen.GetCaCrlBundleResponseObject, error) {
	pem, stale, err := h.crls.Bundle(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	headers := gen.GetCaCrlBundle200ResponseHeaders{
		CacheControl: header(noCache), ContentDisposition: attachment(caFile(request.ID, "-bundle.crl")),
	}
	if stale {
		headers.ChaveiroCRLStale = new(gen.CrlStaleTrue)
	}
	return gen.GetCaCrlBundle200ApplicationXPemFileResponse{
		Body: bytes.NewReader(pem), ContentLength: int64(len(pem)), Headers: headers,
	}, nil
}

// crlHeaders returns the headers that 200 and 304 have. Last-Modified is thisUpdate, because that
// rises by at least a second from list to list and is never in the future, while two lists may be
// signed within one second.
func crlHeaders(crl *pki.SignedCRL, der bool) gen.GetCaCrl304ResponseHeaders {
	tag := `"` + crl.Tag + `-pem"`
	if der {
		tag = `"` + crl.Tag + `-der"`
	}
	headers := gen.GetCaCrl304ResponseHeaders{
		ETag: header(tag), LastModified: header(crl.ThisUpdate.UTC().Format(http.TimeFormat)),
		CacheControl: header(noCache),
	}
	if crl.Stale {
		headers.ChaveiroCRLStale = new(gen.CrlStaleTrue)
	}
	return headers
}

// isCurrent reports whether the client already has the list. If-None-Match takes precedence over
// If-Modified-Since (RFC 9110, section 13.2.2). If-Modified-Since has to be exactly the list's
// Last-Modified: a later time may be when the client fetched an older list, by another clock or
// from a replica that had no newer list.
func isCurrent(params gen.GetCaCrlParams, tag string, modified time.Time) bool {
	if params.IfNoneMatch != nil {
		return matches(*params.IfNoneMatch, tag)
	}
	since, err := http.ParseTime(text(params.IfModifiedSince))
	return err == nil && since.Equal(modified.Truncate(time.Second))
}

// wantsDER reports whether the client wants the CRL in DER: by the parameter, or because Accept
// names the type of DER, and not that of PEM before it.
func wantsDER(format, accept string) bool {
	if format != "" {
		return format == "der"
	}
	der := strings.Index(accept, "application/pkix-crl")
	pem := strings.Index(accept, "application/x-pem-file")
	return der >= 0 && (pem < 0 || der < pem)
}

// matches reports whether an If-None-Match header names the tag (RFC 9110, section 13.1.2).
func matches(condition, tag string) bool {
	for part := range strings.SplitSeq(condition, ",") {
		part = strings.TrimPrefix(strings.TrimSpace(part), "W/")
		if part == tag || part == "*" {
			return true
		}
	}
	return false
}
