package openvpn

import (
	"slices"
	"strings"
)

// valueChecks look at the parameters of directives whose value decides.
var valueChecks = map[string]func(parameters []string) Reason{
	"auth":                  strongNames,
	"cipher":                strongNames,
	"data-ciphers":          strongNames,
	"data-ciphers-fallback": strongNames,
	"ncp-ciphers":           strongNames,
	"tls-cipher":            strongSuites,
	"tls-ciphersuites":      strongSuites,
	"tls-cert-profile":      noneOf(ReasonWeakens, "insecure"),
	"tls-version-min":       noneOf(ReasonWeakens, "1.0", "1.1"),
	"tls-version-max":       noneOf(ReasonWeakens, "1.0", "1.1"),
	"verify-client-cert":    onlyOf(ReasonWeakens, "require"),
	"compress":              onlyOf(ReasonCompression, "stub", "stub-v2", "migrate"),
	"comp-lzo":              named(onlyOf(ReasonCompression, "no")),
	"allow-compression":     onlyOf(ReasonCompression, "no"),
	"replay-window":         noneOf(ReasonWeakens, "0"),
	"auth-user-pass":        atMost(0),
	"http-proxy":            proxyFile,
	"socks-proxy":           atMost(2),
	"management":            socketOnly,
}

// weakNames are ciphers with blocks of 64 bits or without any secret, and broken digests
// (OpenVPN manual, "data-ciphers"; SWEET32).
var weakNames = []string{
	"NONE", "NULL", "BF-", "DES-", "DESX-", "RC2-", "RC4", "CAST5-", "IDEA-", "MD4", "MD5", "RSA-MD",
}

// strongNames refuses a list in which one name is weak. Names are known in any case, and a cipher
// of a list may have a question mark before it.
func strongNames(parameters []string) Reason {
	for name := range strings.SplitSeq(strings.ToUpper(parameters[0]), ":") {
		name = strings.TrimLeft(name, "? ")
		weak := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
		if slices.ContainsFunc(weakNames, weak) {
			return ReasonWeakens
		}
	}
	return ""
}

// weakSuites are words of OpenSSL's lists for suites without secrecy or without identity
// (OpenSSL, ciphers(1)). @SECLEVEL could lower what the library demands.
var weakSuites = []string{
	"NULL", "ANON", "ADH", "AECDH", "EXP", "LOW", "RC4", "RC2", "DES", "MD5", "SECLEVEL", "COMPLEMENTOF", "ALL", "BF", "IDEA",
}

// strongSuites refuses a list that has a weak word, unless the word is taken out of the list.
func strongSuites(parameters []string) Reason {
	for _, word := range strings.FieldsFunc(strings.ToUpper(parameters[0]), isListSeparator) {
		if word[0] == '!' || word[0] == '-' {
			continue
		}
		weak := func(part string) bool { return strings.Contains(word, part) }
		if slices.ContainsFunc(weakSuites, weak) {
			return ReasonWeakens
		}
	}
	return ""
}

func isListSeparator(r rune) bool { return strings.ContainsRune(":;, ", r) }

// noneOf refuses some values of the first parameter.
func noneOf(reason Reason, values ...string) func([]string) Reason {
	return func(parameters []string) Reason {
		if len(parameters) > 0 && slices.Contains(values, parameters[0]) {
			return reason
		}
		return ""
	}
}

// onlyOf refuses a first parameter that is none of the values.
func onlyOf(reason Reason, values ...string) func([]string) Reason {
	return func(parameters []string) Reason {
		if len(parameters) > 0 && !slices.Contains(values, parameters[0]) {
			return reason
		}
		return ""
	}
}

// named demands a parameter: without one the directive turns on what check refuses.
func named(check func([]string) Reason) func([]string) Reason {
	return func(parameters []string) Reason {
		if len(parameters) == 0 {
			return ReasonCompression
		}
		return check(parameters)
	}
}

// atMost refuses parameters after the first n, which name a file.
func atMost(n int) func([]string) Reason {
	return func(parameters []string) Reason {
		if len(parameters) > n {
			return ReasonFiles
		}
		return ""
	}
}

// proxyFile allows host, port, and the words that name no file.
func proxyFile(parameters []string) Reason {
	if len(parameters) > 2 && parameters[2] != "auto" && parameters[2] != "auto-nct" {
		return ReasonFiles
	}
	return ""
}

// socketOnly allows a socket of this machine, and no file with a password.
func socketOnly(parameters []string) Reason {
	if len(parameters) != 2 || parameters[1] != "unix" {
		return ReasonManagement
	}
	return ""
}
