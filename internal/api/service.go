package api

// Service is what is known about a filter of type service. A service is no filter of a listener: an
// Envoy has it in its bootstrap, and takes another revision only when it restarts.
type Service struct {
	// Envoys are the connected Envoys that have the service in their bootstrap, sorted by node id.
	// An Envoy is there if its node metadata name the service, as `wasm-xds bootstrap` writes them.
	Envoys []ServiceEnvoy `json:"envoys"`
}

// ServiceEnvoy is an Envoy with a service.
type ServiceEnvoy struct {
	Node     string `json:"node"`
	Revision string `json:"revision"` // that the Envoy has started with
	Current  bool   `json:"current"`  // whether Revision is the one of the spec
}

// count counts the Envoys; live is the number of those with the revision of the spec.
func (s *Service) count() Envoys {
	e := Envoys{Total: len(s.Envoys)}
	for _, one := range s.Envoys {
		if one.Current {
			e.Live++
		}
	}
	return e
}
