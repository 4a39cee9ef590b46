package peer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// ErrNobody means no peer has the module.
var ErrNobody = errors.New("no replica has the module")

// Fetch asks one peer after another for a module, until take has taken one. take reads and verifies
// the bytes. The order is random, so a replica that has just got a module does not serve all
// others.
func (f *Fleet) Fetch(ctx context.Context, sha256 string, take func(io.Reader) error) error {
	all := f.askable()
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for _, p := range all {
		err := f.fetch(ctx, p, sha256, take)
		switch {
		case err == nil:
			f.cfg.Count(Taken)
			f.cfg.Logger.Info("module taken from another replica", zap.String("replica", p.Name), zap.String("sha256", sha256))
			return nil
		case errors.Is(err, errMissing):
			f.cfg.Count(Missing)
		case ctx.Err() != nil:
			return ctx.Err()
		default:
			f.cfg.Count(Failed)
			f.cfg.Logger.Warn("a module cannot be taken from another replica",
				zap.String("replica", p.Name), zap.String("sha256", sha256), zap.Error(err))
		}
	}
	return ErrNobody
}

var errMissing = errors.New("the replica does not have it")

func (f *Fleet) fetch(ctx context.Context, p Peer, sha256 string, take func(io.Reader) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	late := time.AfterFunc(patience, func() { cancel(errors.New("it does not answer")) })
	defer late.Stop()
	r, err := request(ctx, p, http.MethodGet, "/modules/"+sha256+".wasm", nil)
	if err != nil {
		return err
	}
	answer, err := f.modules.Do(r)
	if err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	defer answer.Body.Close()
	late.Stop()
	switch answer.StatusCode {
	case http.StatusOK:
		return take(answer.Body)
	case http.StatusNotFound:
		return errMissing
	default:
		return fmt.Errorf("it answers %s", answer.Status)
	}
}

// ask asks a peer, and decodes its answer. known: the peer has what was asked for.
func (f *Fleet) ask(ctx context.Context, p Peer, path string, into any) (known bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := request(ctx, p, http.MethodGet, root+path, nil)
	if err != nil {
		return false, err
	}
	answer, err := f.asks.Do(r)
	if err != nil {
		return false, err
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusOK:
	case http.StatusNoContent:
		return false, nil
	default:
		return false, fmt.Errorf("it answers %s", answer.Status)
	}
	return true, json.NewDecoder(io.LimitReader(answer.Body, mostAnswer)).Decode(into)
}

// answer is the answer of one peer.
type answer[T any] struct {
	from  Peer
	known bool
	value T
	err   error
}

// askAll asks all peers at the same time. A peer that cannot be asked has an error.
func askAll[T any](ctx context.Context, f *Fleet, path string) []answer[T] {
	peers := f.cfg.Ledger.Peers()
	all := make([]answer[T], len(peers))
	var asking sync.WaitGroup
	for i, p := range peers {
		all[i].from = p
		if p.URL == "" || p.Key == "" {
			all[i].err = errors.New("it has no --peer-url")
			continue
		}
		asking.Go(func() { all[i].known, all[i].err = f.ask(ctx, p, path, &all[i].value) })
	}
	asking.Wait()
	return all
}

// Filter returns a filter with the Envoys of all replicas. own is this replica's; known: it has the
// filter. It takes two seconds at most.
func (f *Fleet) Filter(ctx context.Context, name string, own api.Filter, known bool) (api.Filter, bool) {
	if f.alone() {
		return own, known
	}
	var all []part
	if known {
		all = append(all, part{f.cfg.Name, own})
	}
	var missing []string
	for _, a := range askAll[api.Filter](ctx, f, "filter?name="+url.QueryEscape(name)) {
		switch {
		case a.err != nil:
			missing = append(missing, a.from.Name)
		case a.known:
			all = append(all, part{a.from.Name, a.value})
		}
	}
	if len(all) == 0 {
		return api.Filter{}, false
	}
	return merge(all, missing), true
}

// Filters returns all filters with the Envoys of all replicas, sorted by name. own are this
// replica's. Without subscribers, the numbers of Envoys are those of all replicas, and the
// subscribers do not count. It takes two seconds at most.
func (f *Fleet) Filters(ctx context.Context, own []api.Filter, subscribers bool) []api.Filter {
	if f.alone() {
		return own
	}
	byName := map[string][]part{}
	add := func(from string, filters []api.Filter) {
		for _, one := range filters {
			byName[one.Name] = append(byName[one.Name], part{from, one})
		}
	}
	add(f.cfg.Name, own)
	path := "filters"
	if !subscribers {
		path += "?subscribers=none"
	}
	var missing []string
	for _, a := range askAll[[]api.Filter](ctx, f, path) {
		if a.err != nil {
			missing = append(missing, a.from.Name)
			continue
		}
		add(a.from.Name, a.value)
	}
	all := make([]api.Filter, 0, len(byName))
	for _, parts := range byName {
		if subscribers {
			all = append(all, merge(parts, missing))
		} else {
			all = append(all, sum(parts, missing))
		}
	}
	slices.SortFunc(all, func(a, b api.Filter) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Replicas describes all replicas, sorted by name. It takes two seconds at most.
func (f *Fleet) Replicas(ctx context.Context, own api.Replica) []api.Replica {
	all := []api.Replica{own}
	for _, a := range askAll[api.Replica](ctx, f, "replica") {
		p := a.from
		one := api.Replica{Name: p.Name, URL: p.URL, Version: p.Version, Since: p.Since, Set: p.Set}
		if a.err == nil && a.known {
			one = a.value
			one.Name, one.URL, one.Reachable = p.Name, p.URL, true
		} else {
			one.Error = unreachable(p, a.err)
		}
		one.Self, one.Leader = false, p.Leader // the ledger knows, and a peer may be late
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b api.Replica) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

func unreachable(p Peer, err error) *api.Error {
	why := "it does not answer"
	var failed *url.Error
	switch {
	case errors.As(err, &failed) && !failed.Timeout():
		why = failed.Err.Error()
	case err != nil && !errors.Is(err, context.DeadlineExceeded):
		why = err.Error()
	}
	return &api.Error{
		Code: "replica_unreachable", Message: "the replica " + p.Name + " cannot be asked: " + why,
		Hint: "look whether this machine reaches " + cmp.Or(p.URL, "its --peer-url") + ", and whether both certificates are of --client-ca-file",
	}
}
