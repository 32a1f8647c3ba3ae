package python

import (
	"regexp"
	"strings"
)

// synchronous are the changes that turn asynchronous Python into its counterpart for threads, in
// their order.
var synchronous = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`\basync (def|with|for)\b`), "$1"},
	{regexp.MustCompile(`\bawait `), ""},
	{regexp.MustCompile(`\bAwaitable\[((?:[^\[\]]|\[(?:[^\[\]]|\[[^\[\]]*\])*\])*)\]`), "$1"},
	{regexp.MustCompile(`\bAwaitable, |, Awaitable\b`), ""},
	{regexp.MustCompile(`\bAsync([A-Z])`), "$1"},
	{regexp.MustCompile(`\b__a(enter|exit|iter|next)__`), "__${1}__"},
	{regexp.MustCompile(`\ba(close|iter_bytes)\b`), "$1"},
	{regexp.MustCompile(`_async\b`), "_sync"},
	{regexp.MustCompile(`\basynchronous\b`), "synchronous"},
}

// makeSync adds the synchronous half: each module of the asynchronous one that has no counterpart
// yet.
func (g *generator) makeSync() {
	const from, to = "chaveiro_sdk/_async/", "chaveiro_sdk/_sync/"
	for name, text := range g.files {
		if !strings.HasPrefix(name, from) {
			continue
		}
		counterpart := to + strings.TrimPrefix(name, from)
		if _, ok := g.files[counterpart]; !ok {
			g.files[counterpart] = []byte(toSync(string(text)))
		}
	}
	for _, folder := range []string{from, to} {
		g.files[folder+"__init__.py"] = nil
	}
}

func toSync(text string) string {
	for _, change := range synchronous {
		text = change.pattern.ReplaceAllString(text, change.instead)
	}
	return text
}
