package events

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// kind is what the audit says of an event that the stream tells.
type kind struct {
	resource domain.Scope
	action   domain.Action
}

// types are the events of the audit that the stream tells. Those that typeOf looks at more closely
// have their usual type here.
var types = map[kind]domain.EventType{
	{domain.ScopeClients, domain.ActionCreate}: domain.EventCertificateIssued,
	{domain.ScopeClients, domain.ActionImport}: domain.EventCertificateImported,
	{domain.ScopeClients, domain.ActionRenew}:  domain.EventCertificateRenewed,
	{domain.ScopeClients, domain.ActionRevoke}: domain.EventCertificateRevoked,
	{domain.ScopeClients, domain.ActionHold}:   domain.EventCertificateSuspended,
	{domain.ScopeClients, domain.ActionResume}: domain.EventCertificateResumed,
	{domain.ScopeClients, domain.ActionUpdate}: domain.EventClientUpdated,

	{domain.ResourceCertificates, domain.ActionCreate}: domain.EventCertificateIssued,
	{domain.ResourceCertificates, domain.ActionImport}: domain.EventCertificateImported,
	{domain.ResourceCertificates, domain.ActionRevoke}: domain.EventCertificateRevoked,

	{domain.ScopeCAs, domain.ActionCreate}: domain.EventCACreated,
	{domain.ScopeCAs, domain.ActionImport}: domain.EventCAImported,
	{domain.ScopeCAs, domain.ActionUpdate}: domain.EventCAUpdated,
	{domain.ScopeCAs, domain.ActionRenew}:  domain.EventCARenewed,
	{domain.ScopeCAs, domain.ActionDelete}: domain.EventCADeleted,

	{domain.ScopeInstances, domain.ActionCreate}: domain.EventInstanceCreated,
	{domain.ScopeInstances, domain.ActionUpdate}: domain.EventInstanceUpdated,
	{domain.ScopeInstances, domain.ActionRotate}: domain.EventInstanceUpdated, // the key of the control channel
	{domain.ScopeInstances, domain.ActionRenew}:  domain.EventInstanceRenewed,
	{domain.ScopeInstances, domain.ActionDelete}: domain.EventInstanceDeleted,
	{domain.ScopeInstances, domain.ActionExport}: domain.EventInstanceExported,
	{domain.ResourceModels, domain.ActionCreate}: domain.EventModelCreated,
	{domain.ResourceModels, domain.ActionUpdate}: domain.EventModelUpdated,
	{domain.ResourceModels, domain.ActionDelete}: domain.EventModelDeleted,

	{domain.ResourceCampaigns, domain.ActionUpdate}: domain.EventCampaignEnded,
	{domain.ResourceSessions, domain.ActionKill}:    domain.EventSessionKill,

	{domain.ResourceConfigs, domain.ActionCreate}:    domain.EventConfigChanged,
	{domain.ResourceConfigs, domain.ActionUpdate}:    domain.EventConfigChanged,
	{domain.ResourceConfigs, domain.ActionDelete}:    domain.EventConfigChanged,
	{domain.ResourceEnrolments, domain.ActionCreate}: domain.EventEnrolmentCreated,
	{domain.ResourceEnrolments, domain.ActionClaim}:  domain.EventEnrolmentClaimed,
	{domain.ResourceEnrolments, domain.ActionRevoke}: domain.EventEnrolmentRevoked,
	{domain.ScopeKeys, domain.ActionExport}:          domain.EventKeyExported,
	{domain.ScopeCAs, domain.ActionExport}:           domain.EventKeyExported,

	{domain.ScopeAPIKeys, domain.ActionCreate}:        domain.EventAPIKeyCreated,
	{domain.ScopeAPIKeys, domain.ActionUpdate}:        domain.EventAPIKeyUpdated,
	{domain.ScopeAPIKeys, domain.ActionRotate}:        domain.EventAPIKeyRotated,
	{domain.ScopeAPIKeys, domain.ActionDelete}:        domain.EventAPIKeyDeleted,
	{domain.ScopeUsers, domain.ActionCreate}:          domain.EventUserCreated,
	{domain.ScopeUsers, domain.ActionUpdate}:          domain.EventUserUpdated,
	{domain.ScopeUsers, domain.ActionDelete}:          domain.EventUserDeleted,
	{domain.ScopeRoles, domain.ActionCreate}:          domain.EventRoleCreated,
	{domain.ScopeRoles, domain.ActionUpdate}:          domain.EventRoleUpdated,
	{domain.ScopeRoles, domain.ActionDelete}:          domain.EventRoleDeleted,
	{domain.ResourceTokens, domain.ActionLogin}:       domain.EventLoginDone,
	{domain.ResourceSigningKeys, domain.ActionRotate}: domain.EventSigningRotated,

	{domain.ScopeDevices, domain.ActionCreate}:           domain.EventDeviceCreated,
	{domain.ScopeDevices, domain.ActionImport}:           domain.EventDeviceImported,
	{domain.ScopeDevices, domain.ActionUpdate}:           domain.EventDeviceUpdated,
	{domain.ScopeDevices, domain.ActionDelete}:           domain.EventDeviceDeleted,
	{domain.ScopeDomains, domain.ActionCreate}:           domain.EventDomainCreated,
	{domain.ScopeDomains, domain.ActionUpdate}:           domain.EventDomainUpdated,
	{domain.ScopeDomains, domain.ActionDelete}:           domain.EventDomainDeleted,
	{domain.ScopeApplications, domain.ActionCreate}:      domain.EventApplicationCreated,
	{domain.ScopeApplications, domain.ActionUpdate}:      domain.EventApplicationUpdated,
	{domain.ScopeApplications, domain.ActionDelete}:      domain.EventApplicationDeleted,
	{domain.ResourceAuthorizations, domain.ActionCreate}: domain.EventAuthorizationCreated,
	{domain.ResourceAuthorizations, domain.ActionUpdate}: domain.EventAuthorizationUpdated,
	{domain.ResourceAuthorizations, domain.ActionRotate}: domain.EventAuthorizationRotated,
	{domain.ResourceAuthorizations, domain.ActionDelete}: domain.EventAuthorizationDeleted,

	{domain.ScopeWebhooks, domain.ActionCreate}: domain.EventWebhookCreated,
	{domain.ScopeWebhooks, domain.ActionUpdate}: domain.EventWebhookUpdated,
	{domain.ScopeWebhooks, domain.ActionRotate}: domain.EventWebhookRotated,
	{domain.ScopeWebhooks, domain.ActionDelete}: domain.EventWebhookDeleted,
	{domain.ScopeWebhooks, domain.ActionReplay}: domain.EventWebhookReplayed,

	{domain.ResourceDatabase, domain.ActionRestore}: domain.EventDatabaseRestored,
	{domain.ScopeAudit, domain.ActionPrune}:         domain.EventAuditPruned,
	{domain.ScopeAudit, domain.ActionAccept}:        domain.EventAuditAccepted,
}

// facts are what the audit says of a change, as far as the stream tells it.
type facts struct {
	Serial       string   `json:"serial"`
	Serials      []string `json:"serials"`
	CAID         int64    `json:"ca_id"`
	Reason       string   `json:"reason"`
	ExpiresAt    string   `json:"expires_at"`
	Superseded   []string `json:"superseded"`
	SupersededAt string   `json:"superseded_at"`
	InstanceID   int64    `json:"instance_id"`
	ClientID     int64    `json:"client_id"`
	ClaimedAt    string   `json:"claimed_at"`
	Tries        int      `json:"tries"`
	Entries      *int     `json:"crl_entries"`
	Added        *int     `json:"revocations_added"`
	Disabled     string   `json:"disabled"` // why the service has disabled a webhook
}

// derive makes the event of the stream that tells an event of the audit. ok is false for one that
// the stream does not tell. Facts that can't be read are left out: nothing keeps the stream from
// going on.
func derive(e domain.Event) (told domain.StreamEvent, ok bool, err error) {
	usual, ok := types[kind{e.Resource, e.Action}]
	if !ok && !e.Refused {
		return told, false, nil
	}
	f := factsOf(e)
	told = domain.StreamEvent{
		Type: typeOf(e, f, usual), At: e.At, Resource: e.Resource, ResourceID: e.ResourceID,
		ResourceName: e.ResourceName, ActorKind: e.ActorKind, ActorID: e.ActorID, ActorName: e.ActorName,
		RequestID: e.RequestID, TraceID: e.TraceID,
	}
	d := domain.EventData{
		Serial: f.Serial, Serials: f.Serials, CAID: f.CAID, Reason: cmp.Or(f.Reason, f.Disabled),
		ExpiresAt: f.ExpiresAt, Superseded: f.Superseded, SupersededAt: f.SupersededAt, InstanceID: f.InstanceID,
		ClientID: f.ClientID, Entries: f.Entries, Added: f.Added, Changed: changed(e),
	}
	if e.Refused || e.Action == domain.ActionLogin || e.Action == domain.ActionClaim {
		d.Address = e.Address
	}
	told.Data, err = d.Text()
	return told, true, err
}

// factsOf reads what the stream tells of a change: of a record as it is now, or was when it was
// removed.
func factsOf(e domain.Event) (f facts) {
	if text := cmp.Or(e.After, e.Before); text != "" && !e.Refused {
		_ = json.Unmarshal([]byte(text), &f)
	}
	return f
}

// typeOf tells apart what has the same action in the audit.
func typeOf(e domain.Event, f facts, usual domain.EventType) domain.EventType {
	switch {
	case e.Refused && e.Resource == domain.ResourceTokens:
		return domain.EventLoginRefused
	case e.Refused:
		return domain.EventAccessRefused
	case usual == domain.EventCertificateRevoked && f.Reason == domain.Superseded.String() && e.ActorKind == "":
		return domain.EventCertificateSuperseded
	case usual == domain.EventWebhookUpdated && e.ActorKind == "" && f.Disabled != "":
		return domain.EventWebhookDisabled
	case usual == domain.EventCAImported && f.Entries != nil:
		return domain.EventCRLImported
	case usual == domain.EventEnrolmentClaimed && f.Tries >= domain.MaxEnrolmentTries:
		return domain.EventEnrolmentLocked
	case usual == domain.EventEnrolmentClaimed && f.ClaimedAt == "":
		return domain.EventEnrolmentRefused
	}
	return usual
}

// changed lists the fields of an update.
func changed(e domain.Event) []string {
	if e.Refused || e.Action != domain.ActionUpdate || e.Before == "" {
		return nil
	}
	var after map[string]json.RawMessage
	_ = json.Unmarshal([]byte(e.After), &after)
	return slices.Sorted(maps.Keys(after))
}
