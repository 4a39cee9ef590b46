package rootid

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
)

const propertyOfRootID = "plugin_root_id"

// Of returns the root ids under which a module does something, among the texts in its data. It runs
// the module for about two seconds at most. For a module that does not ask for its root id, the
// list is empty.
func Of(ctx context.Context, module []byte) []string {
	if !asksForRootID(module) {
		return []string{}
	}
	c := sandbox.Inspect(sandbox.Request{Module: module})
	if c.Found().Fatal() {
		return []string{}
	}
	return known(ctx, c, c.Found().Loading())
}

// Check returns the problem of a filter that did nothing, if its root id is the reason. vm has run
// the candidate's module with some traffic.
func Check(ctx context.Context, c *sandbox.Candidate, vm *sandbox.VM) *finding.Problem {
	request := c.Request()
	if !vm.AskedForRootID() || vm.ReadConfig() || !idle(vm.Called()) || !asksForRootID(request.Module) {
		return nil
	}
	ids := known(ctx, c, vm.Versions())
	if len(ids) == 0 || slices.Contains(ids, request.RootID) {
		return nil
	}
	return unknownRootID(request.RootID, ids)
}

// asksForRootID reports whether the module contains the property's name, in the encoding of C++ or
// of AssemblyScript.
func asksForRootID(module []byte) bool {
	wide := make([]byte, 0, 2*len(propertyOfRootID))
	for _, c := range []byte(propertyOfRootID) {
		wide = append(wide, c, 0)
	}
	return bytes.Contains(module, []byte(propertyOfRootID)) || bytes.Contains(module, wide)
}

// known tries the texts of the module.
func known(ctx context.Context, c *sandbox.Candidate, versions []string) []string {
	ids := []string{}
	p, problem := newProber(ctx, c, versions)
	if problem != nil {
		return ids
	}
	defer p.close()
	request := c.Request()
	for _, id := range candidates(request.Module, request.RootID) {
		if p.ctx.Err() != nil {
			break
		}
		if p.knows(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// idle reports whether the module has called no function for changing a stream.
func idle(called map[string]uint64) bool {
	for name := range called {
		switch name {
		case envoy.ModuleEnv + ".proxy_log", envoy.ModuleEnv + ".proxy_get_log_level", envoy.ModuleEnv + ".proxy_get_property",
			envoy.ModuleEnv + ".emscripten_notify_memory_growth", envoy.ModuleEnv + ".pthread_equal":
			continue
		}
		if strings.HasPrefix(name, envoy.ModuleEnv+".") {
			return false
		}
	}
	return true
}

// unknownRootID returns the problem of a root id unknown to the module.
func unknownRootID(id string, known []string) *finding.Problem {
	quoted := make([]string, len(known))
	for i, one := range known {
		quoted[i] = strconv.Quote(one)
	}
	message := fmt.Sprintf("the filter does nothing under the rootId %q", id)
	if id == "" {
		message = "the filter does nothing without a rootId"
	}
	hint := "set rootId to one of these"
	switch {
	case len(known) == 1 && known[0] == "":
		hint = "remove rootId"
	case len(known) == 1:
		hint = "set rootId: " + known[0]
	}
	return &finding.Problem{
		Step: finding.StepConfigure, Code: finding.CodeRootIDUnknown, Hint: hint,
		Message: message + ", and every request would pass; it registers " + strings.Join(quoted, ", "),
	}
}
