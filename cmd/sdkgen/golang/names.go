package golang

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"unicode"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/model"
)

// spellings are the words that are not spelled like others.
var spellings = map[string]string{
	"ca": "CA", "cas": "CAs", "crl": "CRL", "crls": "CRLs", "csr": "CSR", "csv": "CSV", "der": "DER", "dns": "DNS",
	"ecdsa": "ECDSA", "http": "HTTP", "https": "HTTPS", "id": "ID", "ids": "IDs", "ip": "IP", "ips": "IPs", "json": "JSON",
	"oauth": "OAuth", "oauth1": "OAuth1", "oauth2": "OAuth2", "ocsp": "OCSP", "openvpn": "OpenVPN", "pam": "PAM",
	"pem": "PEM", "pkcs12": "PKCS12", "rsa": "RSA", "site2site": "Site2Site", "site2user": "Site2User", "tls": "TLS",
	"uri": "URI", "url": "URL", "vpn": "VPN",
}

// exported returns the Go name of a name of the documents: in snake_case, PascalCase, or of words
// with hyphens or dots.
func exported(name string) string {
	var b strings.Builder
	for _, word := range words(name) {
		if spelled, ok := spellings[strings.ToLower(word)]; ok {
			b.WriteString(spelled)
			continue
		}
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// local returns the Go name of an argument.
func local(name string) string {
	parts := words(name)
	first := strings.ToLower(parts[0])
	rest := ""
	if len(parts) > 1 {
		rest = exported(strings.Join(parts[1:], "_"))
	}
	if text := first + rest; !token.IsKeyword(text) {
		return text
	}
	return first + rest + "_"
}

// words splits a name where a word begins with an upper case letter, and at what is no letter or
// digit. Several upper case letters are one word: "CAPage" is CA, Page.
func words(name string) []string {
	var found []string
	runes := []rune(name)
	start := 0
	cut := func(end int) {
		if end > start {
			found = append(found, string(runes[start:end]))
		}
		start = end
	}
	for i, c := range runes {
		switch {
		case !unicode.IsLetter(c) && !unicode.IsDigit(c):
			cut(i)
			start = i + 1
		case unicode.IsUpper(c) && i > start && startsWord(runes, i):
			cut(i)
		}
	}
	cut(len(runes))
	return found
}

// startsWord reports whether an upper case letter within a text begins a word: it follows one that
// is in lower case, or one that is follows.
func startsWord(runes []rune, i int) bool {
	return !unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])
}

// typeName returns the Go name of a type. Those of the vault have a prefix: both documents have
// some of the same name.
func typeName(document *model.Document, name string) string {
	plain := exported(name)
	if document.Name == "pam" {
		return "Vault" + strings.TrimPrefix(plain, "Vault")
	}
	return plain
}

// exportedNames lists what a file of the runtime declares for everybody.
func exportedNames(name string, text []byte) []string {
	file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
	if err != nil {
		return nil // the runtime is compiled, too
	}
	var names []string
	for _, declaration := range file.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				names = append(names, d.Name.Name)
			}
		case *ast.GenDecl:
			names = append(names, specNames(d)...)
		}
	}
	var found []string
	for _, name := range names {
		if ast.IsExported(name) {
			found = append(found, name)
		}
	}
	return found
}

func specNames(declaration *ast.GenDecl) []string {
	var names []string
	for _, spec := range declaration.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			names = append(names, s.Name.Name)
		case *ast.ValueSpec:
			for _, name := range s.Names {
				names = append(names, name.Name)
			}
		}
	}
	return names
}
