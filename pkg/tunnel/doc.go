// Package tunnel has the use cases of OpenVPN servers (instances), their IP plan, and what their
// sites get.
//
// A change of the plan locks its gateway first (see domain.Networks), so it holds over all replicas
// that no two networks of a gateway overlap. Locks are taken in this order: the client, the
// instance, the gateway.
package tunnel
