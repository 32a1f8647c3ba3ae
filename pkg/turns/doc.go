// Package turns lets callers do costly things in turns: RSA keys, derivations of keys, password
// hashes, long searches.
//
// It imports domain and bounded. What is not obvious: the caller is taken from the context, so each
// apikey has its own queue, and callers without a credential share that of their network. A caller
// that waits gives the request's own turn back.
package turns
