package api

// Service says where a filter of type service runs. A service is no filter of a listener: Envoys
// have the service in the bootstrap, and take another revision only when they restart.
type Service struct {
	// Envoys are the connected Envoys with the service in the bootstrap, sorted by node id. The
	// node's metadata name the service, as `wasm-xds bootstrap` writes them. During a hot restart,
	// an Envoy is there twice if the two processes have different revisions.
	Envoys []ServiceEnvoy `json:"envoys"`
}

// ServiceEnvoy is an Envoy with a service.
type ServiceEnvoy struct {
	Node     string `json:"node"`
	Revision string `json:"revision"` // at the start of the Envoy
	Current  bool   `json:"current"`  // whether Revision is the spec's
}

// count counts the Envoys; live is the number of Envoys with the revision of the spec.
func (s *Service) count() Envoys {
	e := Envoys{Total: len(s.Envoys)}
	for _, one := range s.Envoys {
		if one.Current {
			e.Live++
		}
	}
	return e
}
