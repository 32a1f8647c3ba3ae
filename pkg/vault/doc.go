// Package vault has the use cases of the privileged-access vault: devices and their domains, and
// the applications whose authorizations reach them.
//
// It imports domain, auth, seal, access, audit, bounded, turns and vault/devicefile. What is not
// obvious: a device is saved in one statement that names the revision it changes, so nobody's
// change is lost and nothing is locked between the look and the save.
package vault
