// Package token keeps keys in a PKCS#11 token: a smart card, a hardware security module, SoftHSM. A
// store is pkcs11:token=LABEL?module-path=/usr/lib/….so&pin-source=file:/etc/…, and a key has the
// attributes object or id besides (RFC 7512).
//
// It imports kms, and crypto11, which calls C: without the build tag pkcs11 [Open] fails, and says
// so.
//
// What is not obvious: a PIN that was refused is not tried again until its file has another one. A
// token locks itself after a few wrong ones. The program may be started again and again, so it also
// never makes the last try that a token says it has left.
package token
