package golang

import "github.com/chaveiro/chaveiro/cmd/sdkgen/model"

// Name returns how the SDK spells a name of the documents: of a group, a method, a field.
func Name(name string) string { return exported(name) }

// TypeName returns how the SDK spells the name of a type of a document.
func TypeName(document *model.Document, name string) string { return typeName(document, name) }

// IsNilable reports whether the Go type of a kind has nil, so that no pointer is needed.
func IsNilable(kind model.Kind) bool { return isNilable(kind) }
