package xds

import "errors"

// errOtherProtocol answers a watch of the other protocol, which go-control-plane's loop never
// makes.
var errOtherProtocol = errors.New("the stream has another protocol")

// silentLogger keeps go-control-plane quiet: the events say everything.
type silentLogger struct{}

func (silentLogger) Debugf(string, ...any) {}
func (silentLogger) Infof(string, ...any)  {}
func (silentLogger) Warnf(string, ...any)  {}
func (silentLogger) Errorf(string, ...any) {}
