// Package api is the api dialect: HTTP under /api, bare objects, `{"errors":[{field,type,msg}]}`,
// cursor pages, and a closed set of statuses (200, 304, 400, 401, 403, 404, 409, 500), because the
// clients of this dialect fail on any other.
//
// It imports gen/api, domain, auth, service, audit, pki, pki/pkidir, access, vault, tunnel,
// openvpn/kits, csvfile, events, mail, idempotency, spans and wire/oas.
//
// Every line about a JSON key, a header, a cookie or a status of this dialect is here. Handlers
// convert the request, call the service and convert the result; they return errors, and errorWriter
// is the one place that writes them.
package api
