package samples

import (
	"fmt"
	"go/format"
	"slices"
	"strings"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/golang"
)

const goImport = "github.com/chaveiro/chaveiro/gen/sdk/go"

const goCheck = "if err != nil {\nlog.Fatal(err)\n}\n"

func goSample(c call) string {
	var start, body string
	config := "chaveiro.Config{}"
	if c.vault() {
		config = "chaveiro.Config{VaultAuth: token}"
		start = "token := chaveiro.AccessToken(os.Getenv(\"CHAVEIRO_TOKEN\"))\n"
	}
	method := list("sdk."+golang.Name(c.group)+"."+golang.Name(c.operation.Name)+"(", goArguments(c), ")", "\t", ",")
	switch file := c.file(); {
	case file != "":
		body = "file, err := " + method + "\n" + goCheck + "content, err := file.Bytes()\n" + goCheck +
			"if err := os.WriteFile(" + quote(file) + ", content, 0o600); err != nil {\nlog.Fatal(err)\n}\n"
	case c.operation.Pages != nil:
		body = "for item, err := range " + method + ".All(context.Background()) {\n" + goCheck +
			"fmt.Printf(\"%+v\\n\", item)\n}\n"
	case c.silent():
		body = "err = " + method + "\n" + goCheck
	default:
		body = "answer, err := " + method + "\n" + goCheck + "fmt.Printf(\"%+v\\n\", answer)\n"
	}
	body = start + "sdk, err := chaveiro.New(" + config + ") // " + c.environment() + "\n" + goCheck + body
	source := fmt.Sprintf("package main\n\nimport (\n%s\n%q\n)\n\nfunc main() {\n%s}\n", goImports(body), goImport, body)
	formatted, err := format.Source([]byte(source))
	if err != nil {
		panic(fmt.Sprintf("%v\n%s", err, source)) // goLiteral writes Go
	}
	return string(formatted)
}

// goImports names the packages of the standard library that a text uses.
func goImports(text string) string {
	var names strings.Builder
	for _, name := range []string{"context", "fmt", "log", "os", "strings", "time"} {
		if strings.Contains(text, name+".") {
			fmt.Fprintf(&names, "%q\n", name)
		}
	}
	return names.String()
}

// goArguments are in the order of golang's template: context, path, body, parameters.
func goArguments(c call) []string {
	var parts []string
	if c.operation.Pages == nil {
		parts = append(parts, "context.Background()")
	}
	for _, a := range c.in("path") {
		parts = append(parts, goLiteral(c.document, a.value))
	}
	if c.content != "" {
		parts = append(parts, "strings.NewReader("+quote(c.content)+")")
	}
	if c.body != nil {
		parts = append(parts, goLiteral(c.document, *c.body))
	}
	if !c.takesParams() {
		return parts
	}
	var fields []string
	for _, a := range slices.Concat(c.in("query"), c.in("header")) {
		fields = append(fields, golang.Name(a.Name)+": "+goLiteral(c.document, a.value))
	}
	params := golang.TypeName(c.document, golang.Name(c.operation.Name)+"Params")
	return append(parts, list("chaveiro."+params+"{", fields, "}", "\t", ","))
}
