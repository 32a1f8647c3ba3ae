package python

// Name returns how the SDK spells a name of the documents: of a method, an argument.
func Name(name string) string { return local(name) }
