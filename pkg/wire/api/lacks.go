package api

import (
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/openvpn/kits"
)

// lacks are the texts of what the routers of the formats of profiles can't do.
var lacks = map[domain.Lack][languages]string{
	domain.Lack(kits.NoSuchControl): {
		"o equipamento não tem essa proteção do canal de controle", "the device has no such control channel",
	},
	domain.Lack(kits.NoTLS13):      {"o equipamento não tem TLS 1.3", "the device has no TLS 1.3"},
	domain.Lack(kits.NoSuchCipher): {"o equipamento não tem nenhuma das cifras", "the device has none of the ciphers"},
	domain.Lack(kits.NoSuchDigest): {"o equipamento não tem esse resumo", "the device has no such digest"},
	domain.Lack(kits.NoEncryptedKey): {
		"o equipamento não usa chaves com senha", "the device can't use a key with a password",
	},
	domain.Lack(kits.NoKeyFile): {
		"o arquivo contém a chave, que não está guardada aqui", "the file has the key in it, which was left out",
	},
	domain.Lack(kits.NoSuchAlgorithm): {
		"o equipamento não tem o algoritmo da chave", "the device has no such key algorithm",
	},
	domain.Lack(kits.NoTap):     {"o equipamento não tem interface tap", "the device has no tap interface"},
	domain.Lack(kits.OneRemote): {"o equipamento conhece só um endereço do servidor", "the device takes only one remote"},
	domain.Lack(kits.SameTransport): {
		"o equipamento não alterna entre UDP e TCP", "the device can't use UDP and TCP in turn",
	},
	domain.Lack(kits.SamePort): {"o equipamento conhece só uma porta", "the device takes remotes of one port only"},
	domain.Lack(kits.HostMismatch): {
		"o equipamento compara o certificado do servidor com o endereço, que não está nele",
		"the device compares the server's certificate with its address, which is not in it",
	},
	domain.Lack(kits.NameCharset): {
		"o equipamento não verifica um nome de servidor com esses caracteres",
		"the device can't check a server name with such characters",
	},
	domain.Lack(kits.OneChain): {
		"o equipamento confia em uma só cadeia de ACs", "the device trusts one chain of CAs only",
	},
	domain.Lack(kits.NoNAT): {
		"o arquivo não traduz as redes do site", "a file of this format can't map the networks of the site",
	},
	domain.Lack(kits.NoDirectives): {"o equipamento não aceita outras diretivas", "the device takes no further directives"},
	domain.Lack(kits.NoFragment):   {"o equipamento não tem fragment", "the device has no fragment"},
}
