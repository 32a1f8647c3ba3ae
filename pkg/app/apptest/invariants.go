package apptest

// MergedPrefix begins the serials, in hex, of lists that a test merges: they are of no certificate
// that is stored.
const MergedPrefix = "cccccccccccccccc"

// Halves are statements that count what must not exist, whatever was killed.
var Halves = map[string]string{
	"clients that are not as their newest certificate": `SELECT count(*) FROM clients c
		LEFT JOIN certificates x ON x.id = (SELECT max(id) FROM certificates WHERE client_id = c.id)
		WHERE x.id IS NULL OR x.ca_id <> c.ca_id OR x.serial <> c.serial OR x.fingerprint <> c.fingerprint
		OR x.not_after <> c.expires_at OR (x.revoked_at IS NULL) <> (c.revoked_at IS NULL)`,
	"clients that hold a name and are revoked for good, or do not and are in force": `SELECT count(*) FROM clients
		WHERE (held_name IS NULL) <> (revoked_at IS NOT NULL AND reason <> 6)`,
	"clients with two certificates in force that are not superseded": `SELECT count(*) FROM
		(SELECT 1 FROM certificates WHERE revoked_at IS NULL AND superseded_at IS NULL AND kind = 'client'
		GROUP BY client_id HAVING count(*) > 1) AS twice`,
	"clients whose newest certificate is superseded": `SELECT count(*) FROM clients c
		JOIN certificates x ON x.client_id = c.id AND x.serial = c.serial WHERE x.superseded_at IS NOT NULL`,
	"certificates without a client": `SELECT count(*) FROM certificates x
		WHERE x.kind = 'client' AND NOT EXISTS (SELECT 1 FROM clients c WHERE c.id = x.client_id)`,
	"certificates that are revoked without a revocation, or the reverse": `SELECT count(*)
		FROM certificates x LEFT JOIN revocations r ON r.ca_id = x.ca_id AND r.serial = x.serial
		WHERE (x.revoked_at IS NULL) <> (r.serial IS NULL OR r.reason = 8)`,
	"revocations of no certificate": `SELECT count(*) FROM revocations r
		WHERE r.serial NOT LIKE '` + MergedPrefix + `%' AND NOT EXISTS (SELECT 1 FROM certificates x WHERE x.ca_id = r.ca_id AND x.serial = r.serial)`,
	"revocations ahead of their CA": `SELECT count(*) FROM revocations r JOIN cas ON cas.id = r.ca_id WHERE r.epoch > cas.revocation_epoch`,
	"CAs whose epoch is not that of their last revocation": `SELECT count(*) FROM cas
		WHERE cas.revocation_epoch <> (SELECT coalesce(max(epoch), 0) FROM revocations r WHERE r.ca_id = cas.id)`,
	"CAs whose list is not the last one": `SELECT count(*) FROM cas LEFT JOIN crls ON crls.ca_id = cas.id
		WHERE cas.crl_number <> coalesce(crls.number, 0)`,
	"gaps in the stream of events": `SELECT newest - gone - (SELECT count(*) FROM events) FROM event_stream`,
	"certificates that the stream has told not once": `SELECT (SELECT count(*) FROM audit_events a JOIN event_chains c
		ON c.chain = a.chain AND a.position <= c.position WHERE a.resource = 'openvpn.clients' AND a.action IN ('create', 'revoke', 'renew'))
		- (SELECT count(*) FROM events WHERE resource = 'openvpn.clients' AND type IN
			('certificate.issued', 'certificate.revoked', 'certificate.superseded', 'certificate.renewed'))`,
	"lists that the stream has told not once": `SELECT count(*) FROM (SELECT 1 FROM events WHERE type = 'crl.signed'
		GROUP BY resource_id, data HAVING count(*) > 1) AS twice`,
	"serials that are there twice": `SELECT count(*) FROM (SELECT 1 FROM certificates GROUP BY ca_id, serial HAVING count(*) > 1) AS twice`,
}

// Unaudited are statements that count rows without exactly one event, and events of rows that do
// not exist. They rely on this: only access and repeated signatures are ever refused, and no row
// that they look at is ever deleted.
var Unaudited = map[string]string{
	"CAs without exactly one event of their making": `SELECT count(*) FROM cas WHERE 1 <> (SELECT count(*) FROM audit_events e
		WHERE e.resource = 'openvpn.cas' AND e.resource_id = cas.id AND e.resource_name = cas.name AND e.action IN ('create', 'import')
		AND e.after NOT LIKE '%revocations_added%')`,
	"clients without exactly one event of their making": `SELECT count(*) FROM clients c WHERE 1 <> (SELECT count(*) FROM audit_events e
		WHERE e.resource = 'openvpn.clients' AND e.resource_id = c.id AND e.resource_name = c.name AND e.action IN ('create', 'import'))`,
	"clients revoked without exactly one event that says so": `SELECT count(*) FROM clients c
		WHERE CASE WHEN c.revoked_at IS NULL OR c.reason = 6 THEN 0 ELSE 1 END <> (SELECT count(*) FROM audit_events e
			WHERE e.resource = 'openvpn.clients' AND e.resource_id = c.id
			AND (e.action = 'revoke' OR e.action = 'import' AND e.after LIKE '%"revoked_at":"%'))`,
	"renewals without exactly one event": `SELECT count(*) FROM clients c
		WHERE (SELECT count(*) FROM certificates x WHERE x.client_id = c.id) <> 1 + (SELECT count(*) FROM audit_events e
			WHERE e.resource = 'openvpn.clients' AND e.resource_id = c.id AND e.action = 'renew')`,
	"suspensions and resumptions that the state does not show": `SELECT count(*) FROM clients c
		WHERE (c.revoked_at IS NULL OR c.reason = 6) AND CASE WHEN c.reason = 6 AND c.revoked_at IS NOT NULL THEN 1 ELSE 0 END <>
			(SELECT count(*) FROM audit_events e WHERE e.resource = 'openvpn.clients' AND e.resource_id = c.id AND e.action = 'suspend') -
			(SELECT count(*) FROM audit_events e WHERE e.resource = 'openvpn.clients' AND e.resource_id = c.id AND e.action = 'resume')`,
	"apikeys without exactly one event of their making": `SELECT count(*) FROM apikeys k WHERE 1 <> (SELECT count(*) FROM audit_events e
		WHERE e.resource = 'auth.apikeys' AND e.resource_id = k.id AND e.resource_name = k.name AND e.action = 'create')`,
	"events of CAs that are not there": `SELECT count(*) FROM audit_events e WHERE e.resource = 'openvpn.cas'
		AND NOT EXISTS (SELECT 1 FROM cas WHERE cas.id = e.resource_id)`,
	"events of clients that are not there": `SELECT count(*) FROM audit_events e WHERE e.resource IN ('openvpn.clients', 'openvpn.keys')
		AND NOT EXISTS (SELECT 1 FROM clients c WHERE c.id = e.resource_id)
		AND NOT EXISTS (SELECT 1 FROM archived_certificates x WHERE x.client_id = e.resource_id)`,
	"events of apikeys that are not there": `SELECT count(*) FROM audit_events e WHERE e.resource = 'auth.apikeys'
		AND NOT EXISTS (SELECT 1 FROM apikeys k WHERE k.id = e.resource_id)`,
	"events of nobody": `SELECT count(*) FROM audit_events e WHERE e.actor_name = '' OR e.actor_kind NOT IN ('apikey', 'command', 'authorization', 'enrolment')`,
	"refusals of other than signed upserts": `SELECT count(*) FROM audit_events e
		WHERE e.refused AND NOT (e.resource = 'pam.devices' AND e.operation = 'upsertDevice' AND e.actor_kind = 'authorization')`,
}

// TunnelHalves are statements that count what must not exist of OpenVPN servers and their sites.
var TunnelHalves = map[string]string{
	"networks of a site without a config": `SELECT count(*) FROM networks n WHERE n.client_id IS NOT NULL AND NOT EXISTS
		(SELECT 1 FROM client_configs c WHERE c.instance_id = n.instance_id AND c.client_id = n.client_id)`,
	"configs without exactly one address": `SELECT count(*) FROM client_configs c WHERE 1 <> (SELECT count(*) FROM networks n
		WHERE n.instance_id = c.instance_id AND n.client_id = c.client_id AND n.kind = 'address')`,
	"instances without exactly one tunnel network": `SELECT count(*) FROM instances i WHERE 1 <>
		(SELECT count(*) FROM networks n WHERE n.instance_id = i.id AND n.kind = 'tunnel' AND n.client_id IS NULL)`,
	"networks in the plan of another gateway": `SELECT count(*) FROM networks n JOIN instances i ON i.id = n.instance_id
		WHERE n.gateway_key <> i.gateway_key`,
	"networks that overlap": `SELECT count(*) FROM networks a JOIN networks b ON a.gateway_key = b.gateway_key AND a.family = b.family
		AND a.id < b.id AND a.first <= b.last AND b.first <= a.last
		WHERE a.kind <> 'address' AND b.kind <> 'address'`,
	"addresses that are there twice": `SELECT count(*) FROM (SELECT 1 FROM networks WHERE kind = 'address'
		GROUP BY gateway_key, family, first HAVING count(*) > 1) AS twice`,
	"instances without a certificate in force and its key": `SELECT count(*) FROM instances i
		LEFT JOIN certificates x ON x.id = i.certificate_id AND x.ca_id = i.ca_id
		WHERE x.id IS NULL OR x.kind <> 'server' OR x.revoked_at IS NOT NULL OR x.sealed_key IS NULL`,
	"certificates of servers in force of which no instance is there": `SELECT count(*) FROM certificates x
		WHERE x.kind = 'server' AND x.revoked_at IS NULL AND NOT EXISTS (SELECT 1 FROM instances i WHERE i.certificate_id = x.id)`,
	"instances without the key of their control channel": `SELECT count(*) FROM instances WHERE sealed_control IS NULL`,
	"instances without exactly one event of their making": `SELECT count(*) FROM instances i WHERE 1 <> (SELECT count(*) FROM audit_events e
		WHERE e.resource = 'openvpn.instances' AND e.resource_id = i.id AND e.resource_name = i.name AND e.action = 'create')`,
	"instances that are there after their end": `SELECT count(*) FROM instances i WHERE EXISTS (SELECT 1 FROM audit_events e
		WHERE e.resource = 'openvpn.instances' AND e.resource_id = i.id AND e.action = 'delete')`,
	"instances that were made, not ended, and are not there": `SELECT count(*) FROM audit_events e WHERE e.resource = 'openvpn.instances'
		AND e.action = 'create' AND NOT EXISTS (SELECT 1 FROM instances i WHERE i.id = e.resource_id) AND NOT EXISTS
		(SELECT 1 FROM audit_events d WHERE d.resource = e.resource AND d.resource_id = e.resource_id AND d.action = 'delete')`,
	"models without exactly one event of their making": `SELECT count(*) FROM instance_models m WHERE 1 <> (SELECT count(*) FROM audit_events e
		WHERE e.resource = 'openvpn.instances.models' AND e.resource_id = m.id AND e.action = 'create')`,
	"clients whose configs are not those of their events": `SELECT count(*) FROM clients c
		WHERE (SELECT count(*) FROM client_configs x WHERE x.client_id = c.id) <>
			(SELECT count(*) FROM audit_events e WHERE e.resource = 'openvpn.configs' AND e.resource_id = c.id AND e.action = 'create') -
			(SELECT count(*) FROM audit_events e WHERE e.resource = 'openvpn.configs' AND e.resource_id = c.id AND e.action = 'delete')`,
	"links without exactly one event of their making": `SELECT count(*) FROM enrolments n WHERE 1 <> (SELECT count(*) FROM audit_events e
		WHERE e.resource = 'openvpn.enrolments' AND e.resource_id = n.id AND e.action = 'create')`,
	"links claimed without exactly one event, or the reverse": `SELECT count(*) FROM enrolments n
		WHERE CASE WHEN n.claimed_at IS NULL THEN 0 ELSE 1 END <> (SELECT count(*) FROM audit_events e
			WHERE e.resource = 'openvpn.enrolments' AND e.resource_id = n.id AND e.action = 'claim')`,
	"profiles that were fetched without an event": `SELECT count(*) FROM client_configs c WHERE c.profile_fetched_at IS NOT NULL
		AND NOT EXISTS (SELECT 1 FROM audit_events e WHERE e.resource = 'openvpn.keys' AND e.resource_id = c.client_id AND e.action = 'export')`,
}
