package api

import "github.com/chaveiro/chaveiro/pkg/domain"

// enrolmentTexts are the texts of profiles and enrolments.
var enrolmentTexts = map[domain.Reason][languages]string{
	domain.ReasonNoSite: {
		"O cliente não tem configuração nessa instância. Crie-a com PUT …/configs/{instance_id}.",
		"The client has no config at that instance. Make one with PUT …/configs/{instance_id}.",
	},
	domain.ReasonNoRemotes: {
		"A instância não tem remotes: informe o endereço em que os sites a alcançam.",
		"The instance has no remotes: give the address at which sites reach it.",
	},
	domain.ReasonKit: {
		"O formato %s não serve: %s. Altere %s na instância ou no cliente.",
		"The format %s does not do: %s. Change %s of the instance or the client.",
	},
	domain.ReasonPIN: {"O PIN não confere. Tentativas restantes: %d.", "The PIN is not right. Tries left: %d."},
	domain.ReasonLinkClaimed: {
		"O link já foi usado. Peça outro a quem o enviou.", "The link was used already. Ask for another one.",
	},
	domain.ReasonLinkRevoked: {
		"O link foi revogado. Peça outro a quem o enviou.", "The link was revoked. Ask for another one.",
	},
	domain.ReasonLinkLocked: {
		"O link foi bloqueado após PINs errados demais. Peça outro a quem o enviou.",
		"The link is locked after too many wrong PINs. Ask for another one.",
	},
	domain.ReasonLinkExpired: {
		"O link expirou. Peça outro a quem o enviou.", "The link has expired. Ask for another one.",
	},
}
