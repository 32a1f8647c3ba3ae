package domain

import "slices"

// Scope names what a right is about: a module and a resource.
type Scope string

// The scopes.
const (
	ScopeUsers        Scope = "auth.users"
	ScopeRoles        Scope = "auth.roles"
	ScopeAPIKeys      Scope = "auth.apikeys"
	ScopeCAs          Scope = "openvpn.cas"
	ScopeClients      Scope = "openvpn.clients"
	ScopeInstances    Scope = "openvpn.instances" // servers, their models and the IP plan
	ScopeKeys         Scope = "openvpn.keys"      // the download of private keys
	ScopeAgent        Scope = "openvpn.agent"     // what the agent beside a server needs, and nothing else
	ScopeDevices      Scope = "pam.devices"
	ScopeApplications Scope = "pam.applications" // and their authorizations
	ScopeDomains      Scope = "pam.domains"
	ScopeAudit        Scope = "audit"
	ScopeEvents       Scope = "events" // the stream
	ScopeMail         Scope = "mail"   // to whom events are mailed
	ScopeWebhooks     Scope = "webhooks"
)

// The resources of events on which no role can grant rights.
const (
	ResourceTokens         Scope = "auth.tokens"
	ResourceSigningKeys    Scope = "auth.signing_keys"
	ResourceAuthorizations Scope = "pam.authorizations" // a role allows them with ScopeApplications
	ResourceDatabase       Scope = "database"           // as a whole
	ResourceServer         Scope = "server"             // that answers requests
	ResourceCertificates   Scope = "openvpn.certificates"
	ResourceEnrolments     Scope = "openvpn.enrolments"       // a role allows them with ScopeKeys
	ResourceCampaigns      Scope = "openvpn.campaigns"        // a role allows them with ScopeInstances
	ResourceConfigs        Scope = "openvpn.configs"          // of sites; the id is that of the client
	ResourceModels         Scope = "openvpn.instances.models" // a role allows them with ScopeInstances
	ResourceSessions       Scope = "openvpn.sessions"         // of OpenVPN servers; a role allows them with ScopeInstances
)

// Permission is a right on one scope, as a role lists it.
type Permission struct {
	Scope       Scope
	Read, Write bool
}

// scopes lists the rights that can be granted. The index of a scope is its bit in Rights, which
// live no longer than the process.
var scopes = []Permission{
	{ScopeUsers, true, true}, {ScopeRoles, true, true}, {ScopeAPIKeys, true, true}, {ScopeCAs, true, true},
	{ScopeClients, true, true}, {ScopeInstances, true, true},
	{ScopeKeys, true, true}, {ScopeDevices, true, true}, {ScopeApplications, true, true}, {ScopeDomains, true, true},
	{ScopeAudit, true, false}, {ScopeEvents, true, false}, {ScopeAgent, true, true}, {ScopeMail, true, true},
	{ScopeWebhooks, true, true},
}

// Scopes lists every scope; Read and Write say which of the two rights exist on it.
func Scopes() []Permission { return slices.Clone(scopes) }

// Known reports whether there is such a scope.
func (s Scope) Known() bool { return s.index() >= 0 }

func (s Scope) index() int {
	return slices.IndexFunc(scopes, func(p Permission) bool { return p.Scope == s })
}

// Rights is a set of permissions; the zero value is none. A right to write includes none to read.
type Rights struct{ read, write uint32 }

// RightsOf unites permissions. A permission on an unknown scope grants nothing.
func RightsOf(list []Permission) Rights {
	var r Rights
	for _, p := range list {
		i := p.Scope.index()
		if i >= 0 && p.Read {
			r.read |= 1 << i
		}
		if i >= 0 && p.Write {
			r.write |= 1 << i
		}
	}
	return r
}

// AllRights is what a superuser has.
func AllRights() Rights { return RightsOf(scopes) }

// Union returns the rights that either has.
func (r Rights) Union(other Rights) Rights { return Rights{r.read | other.read, r.write | other.write} }

// only returns the rights on one scope.
func (r Rights) only(scope Scope) Rights {
	bit := uint32(1) << scope.index()
	return Rights{r.read & bit, r.write & bit}
}

// Cover reports whether r has everything that other has.
func (r Rights) Cover(other Rights) bool { return r.Union(other) == r }

// Allow reports whether r has the right on the scope.
func (r Rights) Allow(scope Scope, write bool) bool {
	need := Permission{Scope: scope, Read: !write, Write: write}
	return scope.Known() && r.Cover(RightsOf([]Permission{need}))
}

// Permissions lists the rights in the order of Scopes.
func (r Rights) Permissions() []Permission {
	var list []Permission
	for i, p := range scopes {
		p.Read, p.Write = r.read&(1<<i) != 0, r.write&(1<<i) != 0
		if p.Read || p.Write {
			list = append(list, p)
		}
	}
	return list
}
