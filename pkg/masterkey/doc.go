// Package masterkey changes the master key of a database while servers use it: which version of the
// key seals, who has it, and how all that an earlier version has sealed is sealed anew.
//
// It imports domain, seal and audit.
//
// What is not obvious: which version seals is a row of the database, not the newest key of a file.
// So a server that has a new key seals nothing with it before an operator begins the rotation, when
// all servers have it; and all of them begin with the same version.
package masterkey
