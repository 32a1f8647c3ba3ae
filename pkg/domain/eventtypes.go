package domain

// EventType names what a StreamEvent tells, as certificate.revoked: what it is about and what has
// happened. The comments say which members Data has besides those of the audit's fields; the
// document of the API describes each.
type EventType string

// The types. Those of an update have the names of the changed fields in changed; those of a record
// that is made or removed have none.
const (
	EventCertificateIssued     EventType = "certificate.issued"     // serial, ca_id, expires_at
	EventCertificateImported   EventType = "certificate.imported"   // as certificate.issued, if known
	EventCertificateRenewed    EventType = "certificate.renewed"    // serial, expires_at, superseded, superseded_at
	EventCertificateRevoked    EventType = "certificate.revoked"    // serials or serial, ca_id, reason
	EventCertificateSuspended  EventType = "certificate.suspended"  // serials, ca_id
	EventCertificateResumed    EventType = "certificate.resumed"    // serials, ca_id
	EventCertificateSuperseded EventType = "certificate.superseded" // serials, ca_id; at the end of an overlap
	EventCertificateExpiring   EventType = "certificate.expiring"   // serial, ca_id, expires_at, days
	EventClientUpdated         EventType = "client.updated"

	EventCACreated   EventType = "ca.created"
	EventCAImported  EventType = "ca.imported"
	EventCAUpdated   EventType = "ca.updated"
	EventCARenewed   EventType = "ca.renewed"
	EventCADeleted   EventType = "ca.deleted"
	EventCAExpiring  EventType = "ca.expiring"  // expires_at, days
	EventCRLSigned   EventType = "crl.signed"   // of the CA: number, entries, expires_at
	EventCRLImported EventType = "crl.imported" // of the CA: entries, added

	EventInstanceCreated  EventType = "instance.created"
	EventInstanceUpdated  EventType = "instance.updated"
	EventInstanceRenewed  EventType = "instance.renewed" // its certificate
	EventInstanceDeleted  EventType = "instance.deleted"
	EventInstanceExported EventType = "instance.exported" // its bundle, with the private key
	EventModelCreated     EventType = "instance_model.created"
	EventModelUpdated     EventType = "instance_model.updated"
	EventModelDeleted     EventType = "instance_model.deleted"
	EventCampaignEnded    EventType = "campaign.ended"
	EventConfigChanged    EventType = "config.changed" // of the client: instance_id, changed

	EventClientConnected    EventType = "client.connected"       // instance_id, session_id, address, tunnel_address
	EventClientDisconnected EventType = "client.disconnected"    // as client.connected, and killed
	EventAgentSilent        EventType = "agent.silent"           // of the instance: last_report
	EventAgentRecovered     EventType = "agent.recovered"        // of the instance
	EventSessionKill        EventType = "session.kill_requested" // of the session: instance_id, client_id

	EventEnrolmentCreated EventType = "enrolment.created" // client_id, instance_id
	EventEnrolmentClaimed EventType = "enrolment.claimed"
	EventEnrolmentRefused EventType = "enrolment.refused" // a wrong PIN
	EventEnrolmentLocked  EventType = "enrolment.locked"  // the last wrong PIN
	EventEnrolmentRevoked EventType = "enrolment.revoked"
	EventKeyExported      EventType = "key.exported" // a private key was handed out

	EventAPIKeyCreated  EventType = "apikey.created"
	EventAPIKeyUpdated  EventType = "apikey.updated"
	EventAPIKeyRotated  EventType = "apikey.rotated"
	EventAPIKeyDeleted  EventType = "apikey.deleted"
	EventAPIKeyExpiring EventType = "apikey.expiring" // expires_at, days
	EventUserCreated    EventType = "user.created"
	EventUserUpdated    EventType = "user.updated"
	EventUserDeleted    EventType = "user.deleted"
	EventRoleCreated    EventType = "role.created"
	EventRoleUpdated    EventType = "role.updated"
	EventRoleDeleted    EventType = "role.deleted"
	EventLoginDone      EventType = "login.succeeded"
	EventLoginRefused   EventType = "login.refused"       // cause
	EventAccessRefused  EventType = "access.refused"      // cause
	EventSigningRotated EventType = "signing_key.rotated" // of access tokens

	EventDeviceCreated         EventType = "device.created"
	EventDeviceImported        EventType = "device.imported"
	EventDeviceUpdated         EventType = "device.updated"
	EventDeviceDeleted         EventType = "device.deleted"
	EventDomainCreated         EventType = "device_domain.created"
	EventDomainUpdated         EventType = "device_domain.updated"
	EventDomainDeleted         EventType = "device_domain.deleted"
	EventApplicationCreated    EventType = "application.created"
	EventApplicationUpdated    EventType = "application.updated"
	EventApplicationDeleted    EventType = "application.deleted"
	EventAuthorizationCreated  EventType = "authorization.created"
	EventAuthorizationUpdated  EventType = "authorization.updated"
	EventAuthorizationRotated  EventType = "authorization.rotated"
	EventAuthorizationDeleted  EventType = "authorization.deleted"
	EventAuthorizationExpiring EventType = "authorization.expiring" // expires_at, days

	EventWebhookCreated  EventType = "webhook.created"
	EventWebhookUpdated  EventType = "webhook.updated" // changed
	EventWebhookRotated  EventType = "webhook.rotated"
	EventWebhookDeleted  EventType = "webhook.deleted"
	EventWebhookReplayed EventType = "webhook.replayed"
	EventWebhookDisabled EventType = "webhook.disabled" // by the service: reason

	EventTLSExpiring      EventType = "tls.expiring" // the server's own certificate: expires_at, days
	EventDatabaseRestored EventType = "database.restored"
	EventAuditPruned      EventType = "audit.pruned"
	EventAuditAccepted    EventType = "audit.loss_accepted"
)

// EventTypes lists all types.
func EventTypes() []EventType {
	return []EventType{
		EventCertificateIssued, EventCertificateImported, EventCertificateRenewed,
		EventCertificateRevoked, EventCertificateSuspended, EventCertificateResumed,
		EventCertificateSuperseded, EventCertificateExpiring, EventClientUpdated, EventCACreated,
		EventCAImported, EventCAUpdated, EventCARenewed, EventCADeleted, EventCAExpiring, EventCRLSigned,
		EventCRLImported, EventInstanceCreated, EventInstanceUpdated, EventInstanceRenewed,
		EventInstanceDeleted, EventInstanceExported, EventModelCreated, EventModelUpdated,
		EventModelDeleted, EventCampaignEnded, EventConfigChanged, EventClientConnected, EventClientDisconnected,
		EventAgentSilent, EventAgentRecovered, EventSessionKill, EventEnrolmentCreated, EventEnrolmentClaimed,
		EventEnrolmentRefused, EventEnrolmentLocked, EventEnrolmentRevoked, EventKeyExported,
		EventAPIKeyCreated, EventAPIKeyUpdated, EventAPIKeyRotated, EventAPIKeyDeleted,
		EventAPIKeyExpiring, EventUserCreated, EventUserUpdated, EventUserDeleted, EventRoleCreated,
		EventRoleUpdated, EventRoleDeleted, EventLoginDone, EventLoginRefused, EventAccessRefused,
		EventSigningRotated, EventDeviceCreated, EventDeviceImported, EventDeviceUpdated,
		EventDeviceDeleted, EventDomainCreated, EventDomainUpdated, EventDomainDeleted,
		EventApplicationCreated, EventApplicationUpdated, EventApplicationDeleted,
		EventAuthorizationCreated, EventAuthorizationUpdated, EventAuthorizationRotated,
		EventAuthorizationDeleted, EventAuthorizationExpiring, EventTLSExpiring, EventDatabaseRestored,
		EventAuditPruned, EventAuditAccepted, EventWebhookCreated, EventWebhookUpdated, EventWebhookRotated,
		EventWebhookDeleted, EventWebhookReplayed, EventWebhookDisabled,
	}
}
