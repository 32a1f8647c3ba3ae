// Package tunnel has the use cases of OpenVPN servers, which are called instances here: the
// servers, the templates of their configuration, and what their operators download.
//
// It imports domain, openvpn, pki and what use cases share. A server's certificate is made before
// the transaction and stored in it, together with the instance, its keys, its networks and the
// event: after a crash there is all of it, or nothing.
//
// A change of the IP plan locks its gateway first (see domain.Networks), so it holds over all
// replicas that no two networks of a gateway overlap.
//
// Locks: a client, then the row of an instance, then the plan of its gateway, and all before a CA.
package tunnel
