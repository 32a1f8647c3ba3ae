package samples

import (
	"fmt"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/typescript"
)

func typescriptSample(c call) string {
	var imports, start, body string
	name, arguments := "Sdk", ""
	if c.vault() {
		name, arguments = "accessToken, Sdk", "{ vaultAuth }"
		start = "const vaultAuth = accessToken(process.env[\"CHAVEIRO_TOKEN\"]!);\n"
	}
	method := "sdk." + typescript.Name(c.group) + "." + typescript.Name(c.operation.Name)
	if parts := typescriptRequest(c); len(parts) > 0 {
		method = list(method+"({ ", parts, " })", "  ", ",")
	} else {
		method += "()"
	}
	switch file := c.file(); {
	case file != "":
		imports = "import { writeFile } from \"node:fs/promises\";\n"
		body = "const { payload } = await " + method + ";\nawait writeFile(" + quote(file) + ", await payload.bytes());"
	case c.operation.Pages != nil:
		body = "for await (const item of " + method + ") {\n  console.log(item);\n}"
	case c.silent():
		body = "await " + method + ";"
	default:
		body = "const { payload } = await " + method + ";\nconsole.log(payload);"
	}
	return fmt.Sprintf("%simport { %s } from \"@chaveiro/sdk\";\n\n%sconst sdk = new Sdk(%s); // %s\n%s",
		imports, name, start, arguments, c.environment(), body)
}

// typescriptRequest writes the members of what a method takes: one object of parameters and fields.
func typescriptRequest(c call) []string {
	var parts []string
	for _, a := range c.arguments {
		parts = append(parts, typescript.Name(a.Name)+": "+typescriptValue(a.value))
	}
	if c.content != "" {
		parts = append(parts, "content: "+quote(c.content))
	}
	if c.body != nil {
		for _, m := range c.body.fields {
			parts = append(parts, typescript.Name(m.name)+": "+typescriptValue(m.value))
		}
	}
	return parts
}

func typescriptValue(v value) string {
	var parts []string
	switch {
	case v.fields != nil:
		for _, m := range v.fields {
			name := quote(m.name)
			if m.field != nil {
				name = typescript.Name(m.name)
			}
			parts = append(parts, name+": "+typescriptValue(m.value))
		}
		return list("{ ", parts, " }", "  ", ",")
	case v.items != nil:
		for _, item := range v.items {
			parts = append(parts, typescriptValue(item))
		}
		return list("[", parts, "]", "  ", ",")
	}
	return quote(v.scalar)
}
