// Package netnstest makes small networks of Linux network namespaces, in which tests and the demo
// run real programs. Nothing in them reaches the network of the machine. It needs root and the
// program ip. What it starts ends with [Network.Close], and at the latest with the process.
package netnstest
