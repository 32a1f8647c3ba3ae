// Package turns lets callers do costly things in turns: RSA keys, derivations of keys, password hashes, long searches.
//
// It imports domain and bounded. What is not obvious: whose turn it is comes from the context, so an apikey has its
// own queue, and strangers share that of their network; whoever waits gives the turn of the request back.
package turns
