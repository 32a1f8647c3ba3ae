// Package chaveiro is the client of a Chaveiro server, in both of its dialects. New returns an SDK
// with a group of operations in each field: OpenVPN, Auth, PAM and Audit, and Vault for the devices
// of the vault's own dialect.
//
// A call is tried again where that can do no harm, and waits as long as the server asks it to, all
// within one time-out. Lists are read page by page; Pages.All goes over the items of all pages.
// An update tells apart what is absent, null and a value: see Optional.
//
// Every error of a call is, for errors.As, one of *StatusError and its families (*BadRequestError,
// *UnauthorizedError, *ForbiddenError, *NotFoundError, *ConflictError, *RateLimitedError,
// *ServerError), *NetworkError, *TimeoutError, *DecodeError; or the context was cancelled, for
// errors.Is. Unknown fields and values of a newer server are no error.
//
// An SDK is safe for use by several goroutines; Pages are not. It imports the standard library
// alone.
package chaveiro
