// Package helm has the tests of the chart in the folder chaveiro: Helm itself checks and renders
// it, and the types of Kubernetes read what comes out. It is a module of its own, because these are
// large and nothing else needs them.
package helm
