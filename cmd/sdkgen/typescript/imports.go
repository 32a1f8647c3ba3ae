package typescript

import (
	"regexp"
	"strings"
)

// imported are the names that a group may need, by what brings them.
var imported = []struct {
	statement string // of the names that are used
	names     []string
}{
	{`import type { %s } from "./client.js";`, []string{"Client", "SdkResponse"}},
	{`import type { %s } from "./file.js";`, []string{"SdkFile"}},
	{`import { %s } from "./pages.js";`, []string{"Pages", "pageOf"}},
	{`import type { %s } from "./request.js";`, []string{"CallOptions", "Content", "Operation"}},
	{`import * as %s from "./shapes.js";`, []string{"shapes"}},
	{`import type * as %s from "./types.js";`, []string{"types"}},
}

// uses matches names where they are used, and not a field of an object.
var uses = regexp.MustCompile(`\b(Client|SdkResponse|SdkFile|Pages|pageOf|CallOptions|Content|Operation)\b|\b(shapes|types)\.[A-Z]`)

// imports returns the imports of the names that a text uses.
func imports(text string) string {
	used := map[string]bool{}
	for _, match := range uses.FindAllStringSubmatch(withoutComments.ReplaceAllString(text, ""), -1) {
		used[match[1]+match[2]] = true
	}
	var b strings.Builder
	for _, one := range imported {
		var names []string
		for _, name := range one.names {
			if used[name] {
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			b.WriteString(strings.Replace(one.statement, "%s", strings.Join(names, ", "), 1) + "\n")
		}
	}
	return b.String()
}

// withoutComments matches the comments that sdkgen writes.
var withoutComments = regexp.MustCompile(`(?s)/\*\*.*?\*/`)
