package kits

import (
	"fmt"
	"regexp"
	"strings"
)

// quoteRouterOS writes a string of RouterOS scripts. What is not plain is written as the
// hexadecimal number of each byte, so that no $, [, ? or quote has a meaning (RouterOS manual,
// "Scripting", "Constant Escape Sequences").
func quoteRouterOS(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(text) {
		if isPlain(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, `\%02X`, c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func isPlain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(" ._:/-", c) >= 0
}

// quoteSingle writes text between single quotes, for the command lines of VyOS and for uci. Neither
// has an escape within them that both the shell and the configuration keep, so that a quote becomes
// an apostrophe (U+2019). What must be exact is checked not to have one.
func quoteSingle(text string) string {
	return "'" + strings.ReplaceAll(text, "'", "\u2019") + "'"
}

// comment writes the text of a comment after "#". A backslash becomes a slash: at the end of a line
// it continues the line in some languages. Three spaces keep the text from being one of the
// comments that OpenVPN Connect reads, which begin with "# OVPN_ACCESS_SERVER_".
func comment(text string) string { return "#   " + strings.ReplaceAll(text, `\`, "/") }

var notInFileNames = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// fileBase is the site's name as part of the name of a file, for every system and for every
// language of scripts.
func fileBase(site string) string {
	base := strings.Trim(notInFileNames.ReplaceAllString(site, "-"), ".-_")
	if base == "" {
		return "site"
	}
	return base
}

// identifier is a base as the name of a section of uci, or of a table or a chain of nftables. The
// prefix keeps the name of a site from being one that the router has itself, as filter or lan.
func identifier(base string) string {
	return "chaveiro_" + strings.ToLower(strings.NewReplacer(".", "_", "-", "_").Replace(base))
}
