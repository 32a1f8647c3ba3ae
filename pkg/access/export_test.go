package access

// Known is how many tokens are remembered.
func (s *Authenticator) Known() int {
	k := s.known.Load()
	k.mu.RLock()
	defer k.mu.RUnlock()
	return len(k.grants)
}
