package kits

import (
	"slices"
	"strings"
)

// maxRouterOSUser is the longest user name (RouterOS manual, "OpenVPN", "Limitations").
const maxRouterOSUser = 27

// routerOSFiles writes a script, the files that it imports, and for tls-auth a profile: RouterOS
// takes a static key only from an imported profile.
func routerOSFiles(v view) ([]File, error) {
	files, err := v.main(false)
	files = append(files,
		File{Name: v.File("-ca.crt"), MediaType: typePEM, Content: []byte(v.CAPEM)},
		File{Name: v.File(".crt"), MediaType: typePEM, Content: []byte(v.CertificatePEM)},
		File{Name: v.File(".key"), MediaType: typePEM, Content: []byte(v.KeyPEM), Secret: true})
	if err != nil || v.Control.Kind == NoControl {
		return files, err
	}
	profile, err := render("routeros-profile.tmpl", v)
	return append(files, File{Name: v.File(".ovpn"), MediaType: typeProfile, Content: profile, Secret: true}), err
}

// Cipher is the one data cipher of RouterOS, which negotiates none.
func (v view) Cipher() string {
	known := func(cipher string) bool { return slices.Contains(routerOSCan.ciphers, cipher) }
	return v.Ciphers[slices.IndexFunc(v.Ciphers, known)]
}

// RouterOSCipher is the name that RouterOS gives to Cipher: aes256-gcm.
func (v view) RouterOSCipher() string {
	return strings.ToLower(strings.Replace(v.Cipher(), "AES-", "AES", 1))
}

// RouterOSAuth is the digest. With GCM it serves tls-auth alone.
func (v view) RouterOSAuth() string {
	switch {
	case v.Auth != "":
		return strings.ToLower(v.Auth)
	case v.Control.Kind == NoControl && strings.HasSuffix(v.Cipher(), "-GCM"):
		return "null"
	}
	return "sha1"
}

// RouterOSUser is a user name: RouterOS demands one, and a server that asks for none ignores it.
func (v view) RouterOSUser() string { return v.Base[:min(len(v.Base), maxRouterOSUser)] }

// CAPrints are the fingerprints of the authorities.
func (v view) CAPrints() []string {
	var prints []string
	for _, block := range v.cas {
		prints = append(prints, fingerprint(block))
	}
	return prints
}

// CertificatePrint is the fingerprint of the client's certificate.
func (v view) CertificatePrint() string { return fingerprint(v.chain[0]) }
