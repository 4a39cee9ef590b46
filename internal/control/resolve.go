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

// ModuleResolver fetches modules into the store.
type ModuleResolver interface {
	ResolveSpec(ctx context.Context, s *spec.Spec) (snapshot.Module, *spec.Error)
	// ResolveTag asks a registry for the present digest of the module's tag.
	ResolveTag(ctx context.Context, m spec.Module) (digest string, problem *spec.Error)
}

// retryPauses are the pauses before another try: of an unreadable or unreachable module,
// of a check past the time limit, and of a failed lookup of a tag.
var retryPauses = pause.Policy{First: 15 * time.Second, Most: 5 * time.Minute}

// job is the reading of a file or a module that a spec names. The key changes with the content of
// the reference.
type job struct {
	key    string
	name   string
	module *spec.Spec // the spec with the module to read
	// pinned returns the key for the digest to which a tag leads.
	pinned    func(digest string) string
	reference string // the module's reference in a registry, as the spec has it
	config    *spec.FileRef
}

// downloadKey begins the keys of slow jobs.
const downloadKey = "url "

// slow jobs use the network: no other job waits for them.
func (j job) slow() bool { return j.module != nil && j.module.Module.File == nil }

type result struct {
	module snapshot.Module
	config *string
	err    *spec.Error
	pinned string // the new key of the result; "": the job's own key
	filter string // with pinned: the filter that has begun to name the tag
}

// moduleJob and configJob return the jobs of a spec. Their keys contain the fingerprints of the
// references, the digest of the module's tag, and the fingerprints of keys and signatures.
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

// runJobs runs jobs on all cores, and posts the results: local files together, so that one change
// makes one snapshot, and downloads one by one.
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
		_ = group.Wait() // jobs return no error here, but in their results
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
