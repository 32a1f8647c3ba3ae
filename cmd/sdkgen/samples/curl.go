package samples

import (
	"net/http"
	"net/url"
	"strings"
)

// curl writes a sample for the shell. It fails where the server refuses the call.
func curl(c call) string {
	path := c.document.Prefix + c.operation.Path
	for _, a := range c.in("path") {
		path = strings.ReplaceAll(path, "{"+a.Name+"}", url.PathEscape(a.value.plain()))
	}
	query := url.Values{}
	for _, a := range c.in("query") {
		query.Add(a.Name, a.value.plain())
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	parts := []string{`curl --fail-with-body "$CHAVEIRO_URL"` + shellQuote(path)}
	switch method := c.operation.Method; {
	case method == http.MethodGet, method == http.MethodPost && c.operation.Body != nil: // curl's own choice
	default:
		parts = append(parts, "-X "+method)
	}
	if !c.open() {
		parts = append(parts, `-H "Authorization: Bearer $CHAVEIRO_TOKEN"`)
	}
	for _, a := range c.in("header") {
		parts = append(parts, "-H "+shellQuote(a.Name+": "+a.value.plain()))
	}
	if name := c.file(); name != "" {
		parts = append(parts, "-o "+name)
	}
	if body := c.operation.Body; body != nil {
		content := c.content
		if c.body != nil {
			content = jsonText(*c.body)
		}
		parts = append(parts, "-H "+shellQuote("Content-Type: "+body.MediaType), "--data-binary "+shellQuote(content))
	}
	return strings.Join(parts, " \\\n  ")
}

// shellQuote returns a text as one word of the shell. What needs no quotes has none.
func shellQuote(text string) string {
	if strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-_.%") == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// jsonText writes a value as JSON, with the fields in the order of the document.
func jsonText(v value) string {
	var parts []string
	switch {
	case v.fields != nil:
		for _, m := range v.fields {
			parts = append(parts, quote(m.name)+": "+jsonText(m.value))
		}
		return list("{", parts, "}", "  ", "")
	case v.items != nil:
		for _, item := range v.items {
			parts = append(parts, jsonText(item))
		}
		return list("[", parts, "]", "  ", "")
	}
	return quote(v.scalar)
}
