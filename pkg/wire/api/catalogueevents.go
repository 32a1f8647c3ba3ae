package api

import "github.com/chaveiro/chaveiro/pkg/domain"

// eventTexts are the texts of the stream of events.
var eventTexts = map[domain.Reason][languages]string{
	domain.ReasonEventsGone: {
		"O fluxo de eventos não pode continuar desse ponto: o que vem depois foi removido por idade, ou o banco foi " +
			"restaurado. Leia de novo o estado do que acompanha e recomece com cursor 0 ou sem cursor.",
		"The stream of events can't go on from there: what comes after it was removed by age, or the database was " +
			"restored. Read the state of what you follow again, and begin anew with the cursor 0 or with none.",
	},
	domain.ReasonEventType: {
		"Não há eventos do tipo %s. A lista dos tipos está em EventType, no documento da API.",
		"There are no events of the type %s. EventType in the document of the API lists the types.",
	},
}
