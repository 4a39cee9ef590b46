package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/wasm-xds/wasm-xds/internal/mask"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// mostConfig is the size of the largest configuration whose keys become lines, in bytes. A larger
// configuration is one line.
const mostConfig = 64 << 10

// TextOf returns the spec of a revision as lines: a key in the form of [snapshot.Changes], and its
// value. The values of configurations and of variables are hidden, and so is each text that has one
// of them. key is secret: without it, nobody can test a guess of a hidden value. f has the settings
// beside the revision; nil: they are not known.
func TextOf(r *snapshot.Revision, f *snapshot.Filter, key []byte) string {
	l := &lines{key: key, mask: secretsOf(r)}
	l.show("type", string(r.Type))
	l.show("module.sha256", r.Module.SHA256)
	if r.Module.Size > 0 {
		l.show("module.size", strconv.FormatInt(r.Module.Size, 10))
	}
	l.show("module.image", r.Module.Reference)
	l.show("module.digest", r.Module.Digest)
	l.show("rootId", r.RootID)
	l.config("config", r.Config, r.ConfigType)
	l.show("failurePolicy", string(r.Policy))
	if r.Backoff > 0 {
		l.show("reloadBackoff", r.Backoff.String())
	}
	if is := r.AllowOnHeadersStopIteration; is != nil {
		l.show("allowOnHeadersStopIteration", strconv.FormatBool(*is))
	}
	if r.Capabilities != nil {
		l.show("capabilities", "["+strings.Join(r.Capabilities, ", ")+"]")
	}
	l.vm(r.VM)
	if f != nil {
		l.filter(f)
	}
	return l.text()
}

// secretsOf has the secrets of a revision.
func secretsOf(r *snapshot.Revision) mask.Mask {
	var b mask.Builder
	b.Config(r.Config, r.ConfigType)
	b.Config(r.VM.Config, r.VM.ConfigType)
	for _, value := range r.VM.Env {
		b.Value(value)
	}
	return b.Mask()
}

func (l *lines) vm(vm snapshot.VM) {
	l.show("vm.id", vm.ID)
	l.show("vm.runtime", vm.Runtime)
	l.config("vm.config", vm.Config, vm.ConfigType)
	for _, name := range slices.Sorted(maps.Keys(vm.Env)) {
		l.hide("vm.env."+name, vm.Env[name])
	}
	l.show("vm.hostEnv", strings.Join(vm.HostEnv, ", "))
	if vm.AllowPrecompiled {
		l.show("vm.allowPrecompiled", "true")
	}
}

// filter adds the settings that are no part of a revision.
func (l *lines) filter(f *snapshot.Filter) {
	if f.Disabled {
		l.show("disabled", "true")
	}
	l.show("delivery", string(f.Delivery))
	l.show("onRemove", string(f.OnRemove))
	var loss []string
	for _, one := range f.AcceptLoss {
		loss = append(loss, string(one))
	}
	l.show("acceptLoss", strings.Join(loss, ", "))
	l.selector("nodes", f.Nodes)
	l.rollout(&f.Rollout)
	switch c := f.Canary; {
	case c.Selector != nil:
		l.selector("rollout.canary", *c.Selector)
	case c.Percent > 0:
		l.show("rollout.canary", fmt.Sprintf("%d%%", c.Percent))
	default:
		l.show("rollout.canary", strconv.Itoa(c.Count))
	}
}

// rollout adds the settings of a rollout beside its canaries.
func (l *lines) rollout(r *spec.Rollout) {
	l.duration("rollout.soak", r.Soak)
	l.duration("rollout.deadline", r.Deadline)
	l.show("rollout.onDeadline", string(r.OnDeadline))
	if r.Pause {
		l.show("rollout.pause", "true")
	}
	l.health("rollout.health", r.Health)
	for i, step := range r.Steps {
		key := fmt.Sprintf("rollout.steps[%d]", i)
		l.show(key, step.String())
		if step.Soak != nil {
			l.show(key+".soak", step.Soak.String())
		}
		l.health(key+".health", step.Health)
	}
}

func (l *lines) duration(key string, d time.Duration) {
	if d != 0 {
		l.show(key, d.String())
	}
}

// health adds each setting of a health that is not zero, by its name in the state.
func (l *lines) health(key string, h *spec.Health) {
	if h == nil {
		return
	}
	rest := *h
	rest.After, rest.P50, rest.P99 = 0, spec.DelayLimit{}, spec.DelayLimit{}
	l.delay(key+".latency.p50", h.P50)
	l.delay(key+".latency.p99", h.P99)
	l.duration(key+".after", h.After)
	text, err := json.Marshal(rest)
	if err != nil {
		return // structs of texts and numbers always marshal
	}
	value, _ := decode(string(text))
	flatten(key, value, func(key, value string) {
		switch {
		case value == "0", value == "false", value == "null", strings.HasSuffix(key, ".named"), strings.Contains(key, ".bounds"):
		default:
			l.show(key, value)
		}
	})
}

// delay adds the limit on a time.
func (l *lines) delay(key string, d spec.DelayLimit) {
	if d.Off {
		l.show(key+".off", "true")
		return
	}
	if d.Over != spec.NoDelayLimit {
		l.duration(key+".over", d.Over)
	}
	if d.OverShare > 0 {
		l.show(key+".overShare", fmt.Sprint(d.OverShare))
	}
	l.duration(key+".max", d.Max)
}

func (l *lines) selector(key string, s spec.NodeSelector) {
	l.show(key+".ids", strings.Join(s.IDs, ", "))
	l.show(key+".clusters", strings.Join(s.Clusters, ", "))
	for _, name := range slices.Sorted(maps.Keys(s.Metadata)) {
		l.show(key+".metadata."+name, s.Metadata[name])
	}
}

// config adds the keys of a configuration, each with a hidden value.
func (l *lines) config(key string, config *string, as spec.ConfigType) {
	if config == nil {
		return
	}
	value, is := decode(*config)
	var object structpb.Struct
	if as == spec.ConfigStruct && len(*config) <= mostConfig && proto.Unmarshal([]byte(*config), &object) == nil {
		value, is = object.AsMap(), true
	}
	l.hide(key, *config) // covers the order of keys, too, and everything that no key shows
	before := len(l.all)
	if fields, isObject := value.(map[string]any); is && isObject {
		flatten(key, fields, l.hide)
	}
	if len(l.all)-before > mostLines/2 {
		l.all = l.all[:before]
	}
}

// decode decodes JSON of a moderate size.
func decode(text string) (value any, ok bool) {
	if len(text) > mostConfig {
		return nil, false
	}
	in := json.NewDecoder(bytes.NewReader([]byte(text)))
	in.UseNumber() // the literals as they are
	err := in.Decode(&value)
	return value, err == nil && !in.More()
}

// flatten calls leaf for each value of decoded JSON, with its key: a.b[0].c.
func flatten(key string, value any, leaf func(key, value string)) {
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			flatten(key+"."+name, value[name], leaf)
		}
	case []any:
		for i, one := range value {
			flatten(fmt.Sprintf("%s[%d]", key, i), one, leaf)
		}
	case nil:
		leaf(key, "null")
	default:
		leaf(key, fmt.Sprint(value))
	}
}
