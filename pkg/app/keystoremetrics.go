package app

import "github.com/prometheus/client_golang/prometheus"

var (
	keyStoreUsable = gaugeOf(
		"chaveiro_key_store_usable", "1 while a key store can be used, as far as this server knows.", "store",
	)
	keyStoreEnds = gaugeOf(
		"chaveiro_key_store_token_expires_timestamp_seconds", "When the token ends that lets this server into a key store.",
		"store",
	)
	keyStoreLife = gaugeOf(
		"chaveiro_key_store_token_life_seconds", "For how long the token of a key store was given.", "store",
	)
)

// collectKeyStores tells what is known of the key stores, and asks none of them.
func (s *Server) collectKeyStores(to chan<- prometheus.Metric) {
	for _, one := range s.storage.KeyStores.All() {
		keyStoreUsable.add(to, truth(one.Away() == nil), one.Name)
		if lease := one.Lease(); !lease.Ends.IsZero() {
			keyStoreEnds.addTime(to, lease.Ends, one.Name)
			keyStoreLife.add(to, lease.Life.Seconds(), one.Name)
		}
	}
}
