package delivery

// unknown counts the subscribers without a spec for their name, in all and for each host.
type unknown struct {
	sum   load
	most  load // the budgets
	hosts map[string]load
}

func newUnknown(names, bytes int) *unknown {
	return &unknown{most: load{names, bytes}, hosts: map[string]load{}}
}

// count adds a subscriber n times if its name has no spec. n is 1 or -1.
func (x *unknown) count(u *sub, n int) {
	if u.f.wanted != nil {
		return
	}
	one := load{1, len(u.f.name)}
	u.s.countUnknown(one, n)
	x.sum = x.sum.plus(one, n)
	host := u.s.node.Host
	if left := x.hosts[host].plus(one, n); left.names > 0 {
		x.hosts[host] = left
	} else {
		delete(x.hosts, host)
	}
}

// countAll is count for each subscriber of a filter.
func (x *unknown) countAll(f *filter, n int) {
	for _, u := range f.subs {
		x.count(u, n)
	}
}

// over returns the budget that a further load would exceed.
func (x *unknown) over(further load) (b Budget, is bool) {
	switch sum := x.sum.plus(further, 1); {
	case sum.names > x.most.names:
		return NamesBudget, true
	case sum.bytes > x.most.bytes:
		return BytesBudget, true
	}
	return 0, false
}

// greediest returns the stream with the most of a budget, among the streams of the host with the
// most. So no host gets streams of another host ended by asking for more names or on more streams.
// Of two equal streams, the later is greedier. further is what the stream s asks for now; nil: no
// stream does.
func (x *unknown) greediest(all streams, b Budget, s *stream, further load) *stream {
	share := func(one *stream) (host, own int) {
		host, own = x.hosts[one.node.Host].of(b), one.unknown.of(b)
		if s != nil && one.node.Host == s.node.Host {
			host += further.of(b)
		}
		if one == s {
			own += further.of(b)
		}
		return host, own
	}
	var greediest *stream
	var most, mostOwn int
	for _, one := range all {
		host, own := share(one)
		if own == 0 || host < most {
			continue
		}
		if host > most || own > mostOwn || own == mostOwn && (greediest == nil || one.id > greediest.id) {
			greediest, most, mostOwn = one, host, own
		}
	}
	return greediest
}
