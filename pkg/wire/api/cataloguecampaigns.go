package api

import "github.com/chaveiro/chaveiro/pkg/domain"

// campaignTexts are the texts of campaigns.
var campaignTexts = map[domain.Reason][languages]string{
	domain.ReasonCampaignKey: {
		"Uma campanha já troca a chave do canal de controle. Encerre-a antes, com POST …/campaigns/{campaign_id}/end.",
		"A campaign changes the key of the control channel already. End it first, with POST …/campaigns/{campaign_id}/end.",
	},
	domain.ReasonCampaignStale: {
		"Sites que ainda têm um perfil anterior, e podem ficar fora: %d. Envie-lhes links, ou encerre com force=true.",
		"Sites that still have an earlier profile, and may be cut off: %d. Send them links, or end it with force=true.",
	},
	domain.ReasonNoSuccessor: {
		"A CA precisa ser a sucessora da CA da instância, ou a que ela sucedeu.",
		"The CA has to be the successor of that of the instance, or the one whose place that takes.",
	},
	domain.ReasonMoveStale: {
		"Sites com um perfil anterior, que podem não confiar na nova CA: %d. Envie-lhes links antes.",
		"Sites with an earlier profile, which may not trust the new CA: %d. Send them links first.",
	},
	domain.ReasonNoControlKey: {
		"A instância não protege o canal de controle, e por isso não tem chave. Altere control_channel.",
		"The instance does not protect the control channel, so it has no key. Change control_channel.",
	},
}
