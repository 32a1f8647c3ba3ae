// Package pkidir reads the directory of a CA that was run elsewhere: of easy-rsa, versions 2 and 3,
// or any tree of files with certificates and keys in PEM.
//
// It imports domain. It judges nothing: which certificate is whose, and which key belongs to it, is
// for the use case to say.
//
// What is not obvious: files are known by what is in them, not by their names, because every
// version of easy-rsa has moved and renamed them. Only the files of the CA itself have fixed names.
package pkidir
