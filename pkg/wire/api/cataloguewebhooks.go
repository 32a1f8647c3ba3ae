package api

import "github.com/chaveiro/chaveiro/pkg/domain"

// webhookTexts are the texts of webhooks.
var webhookTexts = map[domain.Reason][languages]string{
	domain.ReasonWebhookURL: {
		"Endereço inválido: use https://hooks.example.com/caminho, em ASCII, sem usuário, senha ou fragmento.",
		"Not an address: use https://hooks.example.com/path, in ASCII, without a user, a password or a fragment.",
	},
	domain.ReasonWebhookPlain: {
		"O endereço tem de começar com https://. Sem TLS o servidor só envia às redes de --webhook-allow.",
		"The address has to begin with https://. Without TLS the server only sends to the networks of --webhook-allow.",
	},
	domain.ReasonWebhookAddress: {
		"O servidor não envia a este endereço: não é público, nem de uma rede de --webhook-allow.",
		"The server does not send to this address: it is not public, nor of a network of --webhook-allow.",
	},
	domain.ReasonWebhookWaits: {
		"A entrega ainda aguarda envio; só se reenvia o que foi entregue ou abandonado.",
		"The delivery still waits to be sent; only what was delivered or given up is sent again.",
	},
	domain.ReasonWebhookMany: {
		"Já há %d webhooks, o máximo.", "There are %d webhooks already, which is the maximum.",
	},
}
