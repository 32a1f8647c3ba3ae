package access

// Known is how many verified tokens are cached.
func (s *Authenticator) Known() int {
	k := s.known.Load()
	k.mu.RLock()
	defer k.mu.RUnlock()
	return len(k.grants)
}
