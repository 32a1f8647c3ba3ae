package samples

import (
	"fmt"
	"strings"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/python"
)

func pythonSample(c call) string {
	var imports, start, body string
	name, arguments := "Chaveiro", ""
	if c.vault() {
		imports, name, arguments = "import os\n", "AccessToken, Chaveiro", "vault_credential=token"
		start = "token = AccessToken(os.environ[\"CHAVEIRO_TOKEN\"])\n"
	}
	method := list("sdk."+c.group+"."+c.operation.Name+"(", pythonArguments(c), ")", "    ", ",")
	switch file := c.file(); {
	case file != "":
		imports += "from pathlib import Path\n"
		body = "file = " + method + "\nPath(" + quote(file) + ").write_bytes(file.content)"
	case c.operation.Pages != nil:
		body = "for item in " + method + ":\n    print(item)"
	case c.silent():
		body = method
	default:
		body = "answer = " + method + "\nprint(answer)"
	}
	if imports != "" {
		imports += "\n"
	}
	return fmt.Sprintf("%sfrom chaveiro_sdk import %s\n\n%swith Chaveiro(%s) as sdk:  # %s\n    %s",
		imports, name, start, arguments, c.environment(), strings.ReplaceAll(body, "\n", "\n    "))
}

func pythonArguments(c call) []string {
	var parts, named []string
	for _, a := range c.arguments {
		if a.In == "path" {
			parts = append(parts, pythonValue(a.value))
			continue
		}
		named = append(named, python.Name(a.Name)+"="+pythonValue(a.value))
	}
	if c.content != "" {
		parts = append(parts, quote(c.content))
	}
	if c.body != nil {
		for _, m := range c.body.fields {
			named = append(named, python.Name(m.name)+"="+pythonValue(m.value))
		}
	}
	return append(parts, named...)
}

func pythonValue(v value) string {
	var parts []string
	switch {
	case v.fields != nil:
		for _, m := range v.fields {
			parts = append(parts, quote(m.name)+": "+pythonValue(m.value))
		}
		return list("{", parts, "}", "    ", ",")
	case v.items != nil:
		for _, item := range v.items {
			parts = append(parts, pythonValue(item))
		}
		return list("[", parts, "]", "    ", ",")
	case v.scalar == nil:
		return "None"
	case v.scalar == true:
		return "True"
	case v.scalar == false:
		return "False"
	}
	return quote(v.scalar)
}
