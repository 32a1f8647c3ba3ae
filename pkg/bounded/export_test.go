package bounded

// Held is how many callers are remembered, at work and waiting.
func (t *Turns) Held() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.callers) + t.running + t.waiting
}
