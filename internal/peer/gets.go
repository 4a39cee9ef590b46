package peer

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Tell has the peers told of a GET with a token that this replica has not given. Tell does not
// block. Each peer hears of the steps of a GET in their order.
func (f *Fleet) Tell(g Get) {
	if f.alone() {
		return
	}
	select {
	case f.gets.waiting <- g:
	default: // the replica with the Envoy sends the module inline
	}
}

// Run tells peers of GETs until ctx ends.
func (f *Fleet) Run(ctx context.Context) {
	for {
		select {
		case first := <-f.gets.waiting:
			f.tellAll(ctx, f.gets.batch(first))
		case <-ctx.Done():
			return
		}
	}
}

// tellAll tells all peers, and waits for them: the next batch must not pass this one.
func (f *Fleet) tellAll(ctx context.Context, all []Get) {
	body, err := json.Marshal(all)
	if err != nil {
		return // a Get has only texts and bools
	}
	now := time.Now()
	var failed sync.Map
	var telling sync.WaitGroup
	for _, p := range f.askable() {
		if now.Before(f.gets.resting[p.Name]) {
			continue
		}
		telling.Go(func() {
			if err := f.tell(ctx, p, body); err != nil {
				failed.Store(p.Name, true)
			}
		})
	}
	telling.Wait()
	failed.Range(func(name, _ any) bool {
		f.gets.resting[name.(string)] = time.Now().Add(restGets)
		return true
	})
}

func (f *Fleet) tell(ctx context.Context, p Peer, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := request(ctx, p, http.MethodPost, root+"gets", body)
	if err != nil {
		return err
	}
	answer, err := f.asks.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		return fmt.Errorf("it answers %s", answer.Status)
	}
	return nil
}
