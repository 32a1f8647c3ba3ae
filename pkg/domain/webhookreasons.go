package domain

// The reasons of webhooks.
const (
	ReasonWebhookURL     Reason = "no address of a webhook"    //
	ReasonWebhookPlain   Reason = "webhook without TLS"        //
	ReasonWebhookAddress Reason = "address is not allowed"     //
	ReasonWebhookWaits   Reason = "delivery is under way"      //
	ReasonWebhookMany    Reason = "as many webhooks as may be" // maximum
)

func webhookReasons() []Reason {
	return []Reason{
		ReasonWebhookURL, ReasonWebhookPlain, ReasonWebhookAddress, ReasonWebhookWaits, ReasonWebhookMany,
	}
}
