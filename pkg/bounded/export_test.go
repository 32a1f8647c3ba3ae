package bounded

// Held is how many callers are kept, plus the number of turns in use and of those waited for.
func (t *Turns) Held() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.callers) + t.running + t.waiting
}
