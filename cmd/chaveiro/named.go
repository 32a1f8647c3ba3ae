package main

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"
)

// named is the option that leaves out the commands beside the one that the first words name:
// building the grammar of them all takes longer than what most commands do. Below the last word
// that is the name of a command everything is there, so that an error or a help is what the whole
// grammar gives.
func named(words []string) kong.Option {
	var others []string
	at := reflect.TypeFor[cli]()
	for _, word := range words {
		command, beside := pick(at, word)
		if command == nil {
			break
		}
		others = append(others, fmt.Sprintf(`^%s\.(%s)$`, at.Name(), strings.Join(beside, "|")))
		at = command
	}
	return kong.IgnoreFields(others...)
}

// pick returns the type of the command of this name and the fields of those beside it. There is
// none by an alias.
func pick(from reflect.Type, word string) (command reflect.Type, beside []string) {
	for field := range from.Fields() {
		_, isCommand := field.Tag.Lookup("cmd")
		switch {
		case isCommand && nameOf(field) == word:
			command = field.Type
		case isCommand:
			beside = append(beside, field.Name)
		}
	}
	return command, beside
}

// nameOf is the name of a command, as kong has it for a field of one word.
func nameOf(field reflect.StructField) string {
	return cmp.Or(field.Tag.Get("name"), strings.ToLower(field.Name))
}
