package api

import "github.com/chaveiro/chaveiro/pkg/domain"

// planTexts are those of the reasons of the IP plan and of configs.
var planTexts = map[domain.Reason][languages]string{
	domain.ReasonHostBits: {
		"%s não é uma rede: há bits de host. Use %s.", "%s is not a network: host bits are set. Use %s.",
	},
	domain.ReasonEverything: {
		"Esta rede contém todos os endereços. Para enviar todo o tráfego pelo túnel, use push \"redirect-gateway def1\".",
		"This network has all addresses. To send all traffic through the tunnel, use push \"redirect-gateway def1\".",
	},
	domain.ReasonNeverRouted: {
		"A rede tem endereços que nenhum roteador encaminha (%s).", "The network has addresses that no router forwards (%s).",
	},
	domain.ReasonNoAddress: {
		"Endereço IP inválido ou da outra versão do IP.", "Not an IP address, or of the other version of IP.",
	},
	domain.ReasonDomain: {
		"Domínio inválido: use letras, dígitos, hífens e pontos.", "Not a domain: use letters, digits, hyphens and dots.",
	},
	domain.ReasonOutsideTunnel: {
		"O endereço está fora da rede do túnel, %s.", "The address is outside the tunnel network, %s.",
	},
	domain.ReasonNetworkAddress: {
		"É o endereço da própria rede %s.", "This is the address of the network %s itself.",
	},
	domain.ReasonBroadcast: {
		"É o endereço de broadcast da rede %s.", "This is the broadcast address of the network %s.",
	},
	domain.ReasonServerAddress: {
		"É o endereço do servidor no túnel.", "This is the address of the server in the tunnel.",
	},
	domain.ReasonInPool: {
		"O endereço está na faixa que o servidor distribui, de %s a %s.",
		"The address is in the pool that the server gives out, from %s to %s.",
	},
	domain.ReasonAddressTaken: {"O endereço já é de %s.", "The address belongs to %s."},
	domain.ReasonTunnelFull: {
		"Não há endereço livre na rede do túnel, %s.", "The tunnel network, %s, has no free address.",
	},
	domain.ReasonNoTunnel: {
		"A instância não tem rede de túnel IPv%d.", "The instance has no tunnel network of IPv%d.",
	},
	domain.ReasonNeedsAddress: {
		"A instância não distribui endereços (dhcp_enabled): o site precisa de um endereço fixo.",
		"The instance gives out no addresses (dhcp_enabled): the site needs a static one.",
	},
	domain.ReasonOverlapLAN: {
		"%s, de %s, se sobrepõe a %s, LAN de %s. Escolha outra rede; para sites com LANs iguais, use nat e allow_overlap.",
		"%s, of %s, overlaps %s, a LAN of %s. Choose another network; for sites with equal LANs, use nat and allow_overlap.",
	},
	domain.ReasonOverlapTunnel: {
		"%s, de %s, se sobrepõe a %s, rede de túnel de %s.", "%s, of %s, overlaps %s, a tunnel network of %s.",
	},
	domain.ReasonOverlapOwn: {
		"%s se sobrepõe a %s, do mesmo site.", "%s overlaps %s of the same site.",
	},
	domain.ReasonOwnLAN: {
		"A rota levaria pelo túnel a LAN do próprio site, %s.",
		"The route would lead the site's own LAN, %s, through the tunnel.",
	},
	domain.ReasonNoLAN: {"Não é uma das redes de iroutes.", "Not one of the networks of iroutes."},
	domain.ReasonMappedSize: {
		"Informe outra rede do mesmo tamanho (/%d).", "Give another network of the same size (/%d).",
	},
	domain.ReasonOtherCA: {
		"O certificado do cliente é da CA %s, que a instância (CA %s) não aceita.",
		"The client's certificate is of the CA %s, which the instance (CA %s) does not accept.",
	},
}
