package api

import "github.com/chaveiro/chaveiro/pkg/domain"

// sessionTexts are the texts of sessions.
var sessionTexts = map[domain.Reason][languages]string{
	domain.ReasonSessionEnded: {"A sessão já terminou.", "The session has already ended."},
}
