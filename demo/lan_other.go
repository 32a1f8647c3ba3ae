//go:build !linux

package main

import "errors"

// companySteps says why there are none.
func (d *demo) companySteps() (list []step, without, err error) {
	return nil, errors.New("network namespaces need Linux"), nil
}
