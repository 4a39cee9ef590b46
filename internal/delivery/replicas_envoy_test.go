package delivery

// receive has an Envoy evaluate the next response.
func (w *replicasWorld) receive(e *movingEnvoy) bool {
	if len(e.inbox) == 0 {
		return false
	}
	a := e.inbox[0]
	e.inbox = e.inbox[1:]
	answer := &Answer{Name: a.Name}
	all := resources(a)
	for _, r := range all {
		if !w.evaluate(e, r) {
			answer.Nack, answer.Message = true, "Unable to create Wasm plugin "+r.Name
			break
		}
	}
	if !answer.Nack {
		for _, r := range all {
			e.provider(r.Name).accepted = r.Version.String()
		}
	}
	e.outbox = append(e.outbox, Requested{Stream: e.stream, Answer: answer})
	return true
}

// evaluate says whether the Envoy takes a resource.
func (w *replicasWorld) evaluate(e *movingEnvoy, r Resource) bool {
	p, version := e.provider(r.Name), r.Version.String()
	if p.refused[version] {
		w.failf("%s: bytes that were refused are sent again: %s", e.id, version)
	}
	if p.stored == version {
		return true
	}
	p.stored = version
	w.stats["loads"]++
	loads := w.loads(r.Revision.ID, e.version)
	if !loads {
		w.checkMeets(e, r)
	}
	if loads && e.moody && !r.Revision.BuiltIn {
		e.moody, loads = false, false
		w.moody[r.Revision.ID] = true
	}
	if !loads {
		p.refused[version], p.poisoned = true, true
		w.stats["refusals"]++
		return false
	}
	p.running, p.poisoned = r.Revision, false
	return true
}

func (w *replicasWorld) loads(revision, envoy string) bool {
	who, bad := w.bad[revision]
	return !bad || who != "" && who != envoy
}

// answer takes an Envoy's next message to its replica.
func (w *replicasWorld) answer(e *movingEnvoy) bool {
	if len(e.outbox) == 0 || !e.at.works() {
		return false
	}
	event := e.outbox[0]
	e.outbox = e.outbox[1:]
	w.step(e.at, event)
	return true
}

// connect opens a stream to a replica.
func (w *replicasWorld) connect(e *movingEnvoy, r *modelReplica) {
	if e.at != nil || !r.works() {
		return
	}
	w.lastID++
	e.at, e.stream = r, w.lastID
	w.step(r, StreamOpened{Stream: e.stream, Node: Node{ID: e.id, Version: e.version}, ADS: true, Delta: true})
	var subs []Subscription
	for _, name := range w.names {
		subs = append(subs, Subscription{Name: name, Accepted: e.provider(name).accepted})
	}
	w.step(r, Requested{Stream: e.stream, Subscribe: subs})
}

// cut ends a stream. The replica hears of it at once, if it is not paused.
func (w *replicasWorld) cut(e *movingEnvoy) {
	if e.at == nil || e.at.paused {
		return
	}
	r, id := e.at, e.stream
	e.at, e.stream, e.inbox, e.outbox = nil, 0, nil, nil
	w.step(r, StreamClosed{Stream: id})
}
