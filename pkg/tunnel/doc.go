// Package tunnel has the use cases of OpenVPN servers, which are called instances: the servers, the
// templates of their configuration, their IP plan, what their sites get, the campaigns in which
// sites go over to new profiles, and what their operators download.
//
// It imports domain, openvpn, openvpn/kits, pki, seal, audit, turns and idempotency. A server's
// certificate is made before the transaction and stored in it, together with the instance, its
// keys, its networks and the event: after a crash there is all of it, or nothing.
//
// A change of the plan locks its gateway first (see domain.Networks), so it holds over all replicas
// that no two networks of a gateway overlap. Locks are taken in this order: the client, the
// instance, the gateway, the CA.
package tunnel
