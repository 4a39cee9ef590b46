//go:build !linux

package dev

import "syscall"

// childAttributes keep Ctrl-C from Envoy, because dev ends Envoy in order.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
