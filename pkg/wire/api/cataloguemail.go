package api

import "github.com/chaveiro/chaveiro/pkg/domain"

// mailTexts are the texts of recipients of mail.
var mailTexts = map[domain.Reason][languages]string{
	domain.ReasonMailEvents: {
		"Não há tipo nem grupo de eventos com este nome. Os grupos são alarms, service, expiry, agents, authorities, security, " +
			"certificates, sessions, instances, vault e all; os tipos estão em EventType, no documento da API.",
		"There is no type or group of events of that name. The groups are alarms, service, expiry, agents, authorities, " +
			"security, certificates, sessions, instances, vault and all; EventType in the document of the API lists the types.",
	},
	domain.ReasonMailResource: {
		"Informe também o tipo do recurso em resource, como openvpn.clients.",
		"Give the kind of the resource as well, in resource, as openvpn.clients.",
	},
	domain.ReasonMailRecipients: {
		"Já há %d destinatários de e-mail, o máximo. Use uma lista de distribuição, ou remova um deles.",
		"There are %d recipients of mail already, the maximum. Use a mailing list, or delete one of them.",
	},
	domain.ReasonMailOff: {
		"Este servidor não envia e-mails: não há servidor de e-mail configurado (chaveiro serve --smtp-host).",
		"This server sends no mail: no mail server is configured (chaveiro serve --smtp-host).",
	},
}
