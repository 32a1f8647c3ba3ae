// Package agent is the program that runs beside an OpenVPN server. It keeps the files of the
// server's directory as the service has them, and ends the sessions of those who may not be
// connected any more. It imports ca, openvpn/management, spans and gen/sdk/go.
//
// Each file is replaced as a whole, and what is still to be done (sessions to end, a reload) is on
// disk before the first file changes. So the agent can be killed at any point: the next run goes on
// with what is left. A revocation list is never replaced by an older one, nor by one that OpenVPN
// would refuse everybody for.
package agent
