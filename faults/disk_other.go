//go:build !linux

package main

import (
	"context"
	"errors"
)

// inOwnNamespace does nothing: there are no mount namespaces here.
func inOwnNamespace(context.Context, []string) (code int, done bool) { return 0, false }

// disk is a small file system, which only Linux has.
type disk struct{ path string }

var errNoDisk = errors.New("it needs Linux")

func newDisk(string) (*disk, error) { return nil, errNoDisk }
func (d *disk) fill() error         { return errNoDisk }
func (d *disk) empty() error        { return errNoDisk }
func (d *disk) remove() error       { return errNoDisk }
