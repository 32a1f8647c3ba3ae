package domain

// The reasons of campaigns. The comment names the arguments, if any.
const (
	ReasonCampaignKey   Reason = "campaign changes the key"   //
	ReasonCampaignStale Reason = "sites have earlier profile" // how many
	ReasonNoSuccessor   Reason = "no successor of the CA"     //
	ReasonMoveStale     Reason = "sites may not trust the CA" // how many
	ReasonNoControlKey  Reason = "no control channel"         //
)

func campaignReasons() []Reason {
	return []Reason{ReasonCampaignKey, ReasonCampaignStale, ReasonNoSuccessor, ReasonMoveStale, ReasonNoControlKey}
}
