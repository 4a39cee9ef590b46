package control

import (
	"context"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/pause"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// ModuleResolver brings a module into the store.
type ModuleResolver interface {
	ResolveSpec(ctx context.Context, s *spec.Spec) (snapshot.Module, *spec.Error)
	// ResolveTag asks a registry where the module's reference leads now.
	ResolveTag(ctx context.Context, m spec.Module) (digest string, problem *spec.Error)
}

// retryPauses are those before a module that cannot be had is asked for again, a check that
// took too long is run again, and a tag that cannot be looked at is polled again.
var retryPauses = pause.Policy{First: 15 * time.Second, Most: 5 * time.Minute}

// job is something that a spec refers to and that must be read. Its key changes
// when what it refers to does.
type job struct {
	key    string
	name   string
	module *spec.Spec // whose module is read
	// pinned is the key with the digest that a registry's tag turns out to lead to.
	pinned    func(digest string) string
	reference string // the module's in a registry, as the spec has it
	config    *spec.FileRef
}

// downloadKey begins the keys of slow jobs.
const downloadKey = "url "

// slow jobs come over the network: nobody else waits for them.
func (j job) slow() bool { return j.module != nil && j.module.Module.File == nil }

type result struct {
	module snapshot.Module
	config *string
	err    *spec.Error
	pinned string // the key that the result has from now on; "": the job's own
	filter string // with pinned: the one whose spec has begun to name the tag
}

// moduleJob and configJob name what a spec needs; the references' fingerprints
// are part of the keys, and so is the digest that the module's tag leads to, and what
// was seen of signatures.
func moduleJob(s *spec.Spec, references map[string]string, digest, signed string) job {
	if s.Module.OCI.Registry != "" {
		return registryJob(s, references, digest, signed)
	}
	if s.Module.File != nil {
		path := s.Module.File.Path
		return job{key: "file " + path + " " + references[path] + " " + s.Module.SHA256 + " " + s.VM.Runtime + signed, name: s.Name, module: s}
	}
	return job{key: downloadKey + s.Module.URL + " " + s.Module.SHA256 + " " + s.VM.Runtime + signed, name: s.Name, module: s}
}

func configJob(s *spec.Spec, references map[string]string) (job, bool) {
	if s.ConfigFrom == nil {
		return job{}, false
	}
	path := s.ConfigFrom.Path
	return job{key: "config " + path + " " + references[path], name: s.Name, config: s.ConfigFrom}, true
}

// runJobs reads what the jobs name, on all cores, and hands over the results: the
// local ones together, so that one change makes one snapshot, the others as they come.
func (c *Control) runJobs(ctx context.Context, jobs []job) {
	var local []job
	for _, j := range jobs {
		if !j.slow() {
			local = append(local, j)
			continue
		}
		c.download(ctx, j)
	}
	if len(local) == 0 {
		return
	}
	c.workers.Go(func() {
		if len(local) == 1 {
			c.post(resolved{results: map[string]result{local[0].key: c.runJob(ctx, local[0])}})
			return
		}
		results := make([]result, len(local))
		var group errgroup.Group
		group.SetLimit(runtime.GOMAXPROCS(0))
		for i, j := range local {
			group.Go(func() error {
				results[i] = c.runJob(ctx, j)
				return nil
			})
		}
		_ = group.Wait() // no job returns an error: it is in its result
		byKey := make(map[string]result, len(local))
		for i, j := range local {
			byKey[j.key] = results[i]
		}
		c.post(resolved{results: byKey})
	})
}

func (c *Control) runJob(ctx context.Context, j job) result {
	start := time.Now()
	var r result
	if j.module != nil {
		r.module, r.err = c.cfg.Modules.ResolveSpec(ctx, j.module)
		r.module.Reference = j.reference
		if r.err == nil && j.pinned != nil {
			r.pinned, r.filter = j.pinned(r.module.Digest), j.name
		}
		c.cfg.Metrics.Resolved(r.err == nil, time.Since(start))
	} else {
		r.config, r.err = module.ReadConfig(*j.config)
	}
	if r.err != nil {
		named := *r.err
		named.Name = j.name
		r.err = &named
	}
	return r
}
