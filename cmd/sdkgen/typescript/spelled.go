package typescript

// Name returns how the SDK spells a name of the documents: of a group, a method, a field.
func Name(name string) string { return camel(name) }
