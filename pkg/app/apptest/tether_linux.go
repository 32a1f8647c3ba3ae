package apptest

import "syscall"

func tether(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
