package api

import "github.com/chaveiro/chaveiro/pkg/domain"

// userTexts are the texts of users of instances.
var userTexts = map[domain.Reason][languages]string{
	domain.ReasonUserLANs: {
		"Um usuário não tem redes locais. Deixe iroutes vazio, ou crie um cliente site2site.",
		"A user has no LANs. Leave iroutes empty, or create a site2site client.",
	},
	domain.ReasonNoPlace: {
		"O usuário não está em nenhuma instância. Informe instance_id.",
		"The user is at no instance. Give instance_id.",
	},
	domain.ReasonCAOrVPN: {
		"Informe ca_id ou instance_id: sem AC, o certificado não pode ser emitido.",
		"Give ca_id or instance_id: without a CA no certificate can be issued.",
	},
}
