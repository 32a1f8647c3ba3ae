package openvpn

import (
	"bytes"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"regexp"
)

// certificates returns the certificates in text, encoded anew: comments and everything else between
// the blocks is dropped.
func certificates(field string, text []byte) ([]byte, error) {
	blocks, err := decode(field, text)
	if err != nil {
		return nil, err
	}
	var out []byte
	for _, block := range blocks {
		if block.Type != "CERTIFICATE" || len(block.Headers) > 0 {
			return nil, fmt.Errorf("%s: a PEM block is no plain CERTIFICATE", field)
		}
		if !looksSigned(block.Bytes) {
			return nil, fmt.Errorf("%s: a PEM block is no certificate", field)
		}
		out = append(out, pem.EncodeToMemory(block)...)
	}
	return out, nil
}

// looksSigned reports whether der is one whole sequence of what is signed, an
// algorithm and a signature (RFC 5280, section 4.1). What is in it is read by
// OpenVPN, which takes certificates that the standard library does not.
func looksSigned(der []byte) bool {
	var whole, signed, algorithm asn1.RawValue
	var signature asn1.BitString
	rest, err := asn1.Unmarshal(der, &whole)
	if err != nil || len(rest) > 0 || !isSequence(whole) {
		return false
	}
	if rest, err = asn1.Unmarshal(whole.Bytes, &signed); err != nil || !isSequence(signed) {
		return false
	}
	if rest, err = asn1.Unmarshal(rest, &algorithm); err != nil || !isSequence(algorithm) {
		return false
	}
	rest, err = asn1.Unmarshal(rest, &signature)
	return err == nil && len(rest) == 0
}

func isSequence(value asn1.RawValue) bool {
	return value.Class == asn1.ClassUniversal && value.Tag == asn1.TagSequence && value.IsCompound
}

// privateKey returns the one key in text, encoded anew. An encrypted key stays
// encrypted; OpenVPN asks for its password.
func privateKey(field string, text []byte) ([]byte, error) {
	blocks, err := decode(field, text)
	if err != nil {
		return nil, err
	}
	if len(blocks) != 1 {
		return nil, fmt.Errorf("%s: %d PEM blocks, want one", field, len(blocks))
	}
	switch blocks[0].Type {
	case "PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY":
	default:
		return nil, fmt.Errorf("%s: the PEM block is no private key", field)
	}
	if !plainOrEncrypted(blocks[0].Headers) {
		return nil, fmt.Errorf("%s: the PEM block has unknown headers", field)
	}
	return pem.EncodeToMemory(blocks[0]), nil
}

// decode refuses text in which any block is damaged. encoding/pem would skip it and return the
// rest.
func decode(field string, text []byte) ([]*pem.Block, error) {
	var blocks []*pem.Block
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		blocks = append(blocks, block)
	}
	if len(blocks) == 0 {
		return nil, fmt.Errorf("%s: no PEM block", field)
	}
	if bytes.Count(text, []byte("-----BEGIN ")) != len(blocks) {
		return nil, fmt.Errorf("%s: a PEM block is damaged", field)
	}
	return blocks, nil
}

var dekInfo = regexp.MustCompile(`^[A-Z0-9-]+,[0-9A-Fa-f]+$`)

// plainOrEncrypted allows the headers of a key encrypted in the traditional form
// (RFC 1421, sections 4.6.1.1 and 4.6.1.3) and no others, for OpenVPN reads the
// lines of a header before any PEM decoder does.
func plainOrEncrypted(headers map[string]string) bool {
	if len(headers) == 0 {
		return true
	}
	return len(headers) == 2 && headers["Proc-Type"] == "4,ENCRYPTED" && dekInfo.MatchString(headers["DEK-Info"])
}
