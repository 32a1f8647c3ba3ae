// Package vault has the use cases of the privileged-access vault: devices and their domains, and
// the applications whose authorizations reach them.
//
// It imports domain, auth, seal, access, audit, bounded, turns, idempotency and vault/devicefile.
// What is not obvious: a device is saved in one statement that names the revision it changes. So no
// change is lost, and no lock is held between the read and the save.
package vault
