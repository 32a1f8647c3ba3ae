package pgtest

import "syscall"

func tether(attr *syscall.SysProcAttr, sig syscall.Signal) { attr.Pdeathsig = sig }
