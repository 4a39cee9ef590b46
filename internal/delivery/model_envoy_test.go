package delivery

import (
	"slices"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// modelEnvoy behaves like Envoy in the respects behind delivery's rules. Each method names a fact
// of docs/envoy-behaviour.md.
type modelEnvoy struct {
	id, version string
	ads, delta  bool
	stream      StreamID // 0: not connected
	names       []string // subscribed
	providers   map[string]*provider
	cache       map[string]bool // sha256s in the code cache
	inbox       []Send          // on the wire towards the Envoy
	outbox      []Event         // on the wire towards the server
	gets        []get           // begun or to begin
	seen        map[string]bool // revisions evaluated here
	moody       bool            // refuses the next revision, a good one
	hates       map[string]bool // good revisions this Envoy always refuses
	readFile    bool            // has accepted a file on this stream, or named one
	neverCaches bool            // fetched code never arrives in the cache
	unlisted    bool            // SotW: the version_info accepted last says only that more responses follow
	racing      map[string]bool // versions on the wire when their name was relisted
}

// provider is one ECDS subscription inside an Envoy.
type provider struct {
	running  *snapshot.Revision // the revision of new requests; nil: no config
	accepted string             // the version the subscription reports
	stored   string             // the version evaluated last
	poisoned bool               // the stored bytes were refused: an LDS update would fail
	refused  map[string]bool    // refused versions
	orphaned bool               // delta: poisoned by a push that the disk does not have when the server was killed
	proven   bool               // the stored bytes are of a revision that was known to load: such a push is not noted before
	unheard  bool               // the server does not know of this subscription yet
	doubted  string             // the revision reported to the server on this stream as possibly refused; "": none
}

type get struct {
	token, sha string
	begun      bool
}

func (e *modelEnvoy) provider(name string) *provider {
	if e.providers[name] == nil {
		e.providers[name] = &provider{refused: map[string]bool{}}
	}
	return e.providers[name]
}

// spoiltText is the useless message in the NACK of a shared response.
const spoiltText = "one of several"

// receive has the Envoy evaluate the next response. Envoy goes through its own subscriptions, in
// any order, to the first refused resource. Envoy keeps the resources taken before, but names them
// as accepted only if the whole response is accepted.
func (w *world) receive(e *modelEnvoy) {
	if len(e.inbox) == 0 {
		return
	}
	a := e.inbox[0]
	e.inbox = e.inbox[1:]
	all := resources(a)
	w.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	answer := &Answer{}
	for _, r := range all {
		if !slices.Contains(e.names, r.Name) {
			continue
		}
		e.provider(r.Name).proven = !a.Unproven
		if answer = w.evaluate(e, r, len(all) > 1); answer.Nack {
			break
		}
	}
	if answer.Nack && len(all) > 1 {
		w.spoilt++
		answer.Message = spoiltText
	}
	answer.Name = a.Name
	if !answer.Nack {
		e.unlisted = a.More
		for _, r := range all {
			e.provider(r.Name).accepted = r.Version.String()
			e.readFile = e.readFile || r.Version.Variant == File
		}
	}
	e.outbox = append(e.outbox, Requested{Stream: e.stream, Answer: answer})
}

func (w *world) evaluate(e *modelEnvoy, a Resource, shared bool) *Answer {
	p := e.provider(a.Name)
	version := a.Version.String()
	if p.refused[version] {
		w.failf("%s: bytes that were refused are sent again: %s %s", e.id, a.Name, version)
	}
	if a.Revision.RefusalFor(e.version) != nil {
		w.failf("%s: a sandbox has found that it would refuse what is sent: %s %s", e.id, a.Name, version)
	}
	if p.stored == version { // identical bytes: a no-op, always ACKed
		return &Answer{}
	}
	p.stored, p.orphaned = version, false
	e.seen[a.Revision.ID] = true
	nack := func(text string) *Answer {
		p.refused[version], p.poisoned = true, true
		return &Answer{Nack: true, Message: text}
	}
	if a.Version.Variant == Remote && !e.cache[a.Revision.Module.SHA256] {
		if p.running == nil && p.accepted == "" && !e.racing[version] && !p.unheard {
			w.failf("%s: remote code without a config before it: %s %s", e.id, a.Name, version)
		}
		e.gets = append(e.gets, get{token: a.Version.Salt, sha: a.Revision.Module.SHA256})
		return nack("Unable to create Wasm plugin " + a.Name)
	}
	if e.moody && !a.Revision.BuiltIn {
		e.moody = false
		e.hates[a.Revision.ID] = w.rng.IntN(2) == 0
		w.moodyAbout[a.Revision.ID] = w.moodyAbout[a.Revision.ID] || !shared
		return nack("Unable to create Wasm plugin " + a.Name)
	}
	if e.hates[a.Revision.ID] {
		w.moodyAbout[a.Revision.ID] = w.moodyAbout[a.Revision.ID] || !shared
		return nack("Unable to create Wasm plugin " + a.Name)
	}
	if w.bad[a.Revision.ID] {
		return nack("Unable to create Wasm plugin " + a.Name)
	}
	p.running, p.poisoned = a.Revision, false
	return &Answer{}
}

func (w *world) answer(e *modelEnvoy) {
	if len(e.outbox) == 0 {
		return
	}
	event := e.outbox[0]
	e.outbox = e.outbox[1:]
	if r, ok := event.(Requested); ok && r.Answer != nil {
		w.singly[e.stream] = w.singly[e.stream] || w.isSpoilt(event)
		for _, one := range resources(w.answering[e.stream][r.Answer.Name]) {
			delete(w.answering[e.stream], one.Name)
			if r.Answer.Nack && one.Version.Variant != Remote {
				w.clears(e, one.Name, one.Revision.ID, false)
			} else if !r.Answer.Nack {
				w.clears(e, one.Name, one.Revision.ID, true)
			}
			if p := e.provider(one.Name); !p.unheard && !e.racing[one.Version.String()] {
				p.doubted = ""
				if r.Answer.Nack {
					p.doubted = one.Revision.ID
				}
			}
		}
	} else if ok {
		for _, sub := range r.Subscribe {
			e.provider(sub.Name).unheard = false
		}
		for _, a := range e.inbox { // sent before the server heard
			for _, one := range resources(a) {
				e.racing[one.Version.String()] = true
			}
		}
	}
	w.step(event)
	w.checkStatus(e)
}

// fetch moves a GET on: the GET begins, and then ends whole or broken.
func (w *world) fetch(e *modelEnvoy, breaks bool) {
	if len(e.gets) == 0 {
		return
	}
	g := &e.gets[0]
	if !g.begun {
		g.begun = true
		w.step(FetchStarted{Token: g.token})
		return
	}
	done := *g
	e.gets = e.gets[1:]
	// Envoy takes the bytes into its cache a little after the last byte: sometimes too late. Envoy
	// closes the connection afterwards, but a proxy in between may close earlier.
	if !breaks && !e.neverCaches && w.rng.IntN(5) > 0 {
		e.cache[done.sha] = true
	}
	w.step(FetchFinished{Token: done.token, Complete: !breaks, Taken: !breaks && w.rng.IntN(2) > 0})
}

// relist takes a name away and brings the name back without a config, as a listener update does.
func (w *world) relist(e *modelEnvoy, name string) {
	e.providers[name] = nil // the new subscription never saw the refused bytes
	if e.stream == 0 {
		return
	}
	e.provider(name).unheard = true
	e.outbox = append(e.outbox, Requested{
		Stream: e.stream, Unsubscribe: []string{name}, Subscribe: []Subscription{{Name: name}},
	})
}

// restartEnvoy restarts an Envoy, which loses everything.
func (w *world) restartEnvoy(e *modelEnvoy) {
	w.cut(e)
	e.unlisted = false
	e.hates = map[string]bool{}
	e.providers, e.cache, e.gets, e.seen = map[string]*provider{}, map[string]bool{}, nil, map[string]bool{}
}

// connect opens a stream and asks for all names. A delta client names the accepted versions, a SotW
// client sends the last accepted version_info.
func (w *world) connect(e *modelEnvoy) {
	if e.stream != 0 {
		return
	}
	w.lastID++
	e.stream = w.lastID
	w.streams[e.stream] = e
	w.step(StreamOpened{Stream: e.stream, Node: Node{ID: e.id, Version: e.version}, ADS: e.ads, Delta: e.delta})
	var subs []Subscription
	e.readFile = false
	for _, name := range e.names {
		accepted := e.provider(name).accepted
		e.provider(name).doubted = ""
		if e.unlisted {
			accepted = ""
		}
		v, ok := ParseVersion(accepted)
		e.readFile = e.readFile || ok && v.Variant == File
		if ok {
			w.clears(e, name, v.Revision, true)
		}
		subs = append(subs, Subscription{Name: name, Accepted: accepted, Replay: !e.delta && accepted != ""})
	}
	w.step(Requested{Stream: e.stream, Subscribe: subs})
}

// cut ends a stream. Messages on the wire are lost, evaluated responses are not.
func (w *world) cut(e *modelEnvoy) {
	if e.stream == 0 {
		return
	}
	w.lose(e)
	id := e.stream
	e.stream, e.inbox, e.outbox = 0, nil, nil
	delete(w.streams, id)
	delete(w.answering, id)
	w.step(StreamClosed{Stream: id})
}
