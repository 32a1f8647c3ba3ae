package masterkey

// StandStill makes a keeper one that has not looked for long.
func (k *Keeper) StandStill() { k.begun = k.begun.Add(-2 * sureFor) }
