package api_test

import (
	"fmt"
	"strings"
)

// checkProfile demands the parts of a profile that are named.
func checkProfile(body []byte, arguments []string) error {
	text := string(body)
	for _, part := range arguments {
		want, ok := map[string]string{
			"remote": "remote vpn.empresa.com.br 1194 udp\n", "tls-crypt-v2": "<tls-crypt-v2>\n",
			"key": "<key>\n-----BEGIN PRIVATE KEY-----\n", "no-key": "key site-rio.key\n", "p12": "<pkcs12>\n",
			"vyos": "set interfaces openvpn",
		}[part]
		if !ok || !strings.Contains(text, want) {
			return fmt.Errorf("there is no %s in the profile", part)
		}
		if part == "no-key" && strings.Contains(text, "PRIVATE KEY") {
			return fmt.Errorf("the profile has a private key")
		}
	}
	return nil
}
