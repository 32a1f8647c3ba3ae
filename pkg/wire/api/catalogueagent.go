package api

import "github.com/chaveiro/chaveiro/pkg/domain"

// agentTexts are the texts of agents and of the apikeys that they have.
var agentTexts = map[domain.Reason][languages]string{
	domain.ReasonBoundSuperuser: {
		"Uma apikey de instâncias não pode ser superusuária: tire superuser ou esvazie instances.",
		"An apikey of instances can't be a superuser: take superuser away, or empty instances.",
	},
	domain.ReasonOtherInstance: {
		"A apikey é de outras instâncias. Acrescente esta a instances da apikey, ou use a da instância.",
		"The apikey is of other instances. Add this one to instances of the apikey, or use the one of the instance.",
	},
}
