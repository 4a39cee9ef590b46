package schema

// Rollout says how a new revision gets to all Envoys: to the canaries first, then to the Envoys of
// each step, and then to all.
type Rollout struct {
	// Canary selects the Envoys that get a new revision first.
	Canary Canary `json:"canary" default:"1"`
	// Steps are the waves between the canaries and all Envoys. They rise.
	Steps []Step `json:"steps" maxItems:"20" examples:"[[\"10%\",\"50%\"]]"`
	// Soak is the time for which the Envoys of a wave run the revision before the next wave.
	Soak Duration `json:"soak" default:"\"0s\""`
	// Pause makes each wave before the last wait for wasm-xds rollout promote.
	Pause bool `json:"pause" default:"false"`
	// Deadline is the time that a wave may take beside its soak. 0s means no deadline.
	Deadline Duration `json:"deadline" default:"\"10m\""`
	// OnDeadline says what happens to a rollout that is overdue: hold goes on waiting, and back
	// takes the revision back.
	OnDeadline string `json:"onDeadline" enum:"hold|back" default:"\"hold\""`
	// Health lets the rollout look at what the Envoys do with the revision.
	Health Health `json:"health"`
}

// Canary is a number of Envoys, a percentage, or a selection.
type Canary struct {
	OneOf
	Count    int `minimum:"0" maximum:"1000000"`
	Percent  Percentage
	Selector Nodes
}

// Step is a number of Envoys, a percentage of all, or a mapping with the step's own values.
type Step struct {
	OneOf
	Count   int `minimum:"1"`
	Percent Percentage
	Own     StepValues
}

// StepValues is a step with its own values.
type StepValues struct {
	// To is a number of Envoys, or a percentage of all.
	To Share `json:"to" required:"true"`
	// Soak is the soak of the step, in the place of that of the rollout.
	Soak Duration `json:"soak"`
	// Health is the health of the step: its fields replace those of the rollout.
	Health StepHealth `json:"health"`
}

// Share is a number of Envoys, or a percentage of all.
type Share struct {
	OneOf
	Count   int `minimum:"1"`
	Percent Percentage
}

// Health has the limits by which a rollout judges a revision while Envoys run it.
type Health struct {
	StepHealth
	// After is how long the revision is watched after it has become everyone's.
	After Duration `json:"after" default:"\"10m\""`
}

// StepHealth has the limits by which a wave of a rollout judges a revision.
type StepHealth struct {
	// MinRequests is the number of requests that each side needs for a comparison.
	MinRequests int `json:"minRequests" minimum:"1" maximum:"1000000" default:"100"`
	// Traps is the number of requests that may fail because the filter trapped.
	Traps CountLimit `json:"traps" default:"0"`
	// Bypassed is the number of requests that may pass without the filter.
	Bypassed CountLimit `json:"bypassed" default:"0"`
	// Errors is how much the share of 5xx may exceed that of the stable side.
	Errors ShareLimit `json:"errors" default:"\"0.5%\""`
	// Denials is how much the share of 4xx may exceed that of the stable side.
	Denials ShareLimit `json:"denials" default:"\"5%\""`
	// Latency has limits on the time of requests.
	Latency Latency `json:"latency"`
	// Memory is how much the memory of Envoy may grow beyond that of the stable side.
	Memory GrowthLimit `json:"memory"`
	// Metrics are limits on the filter's own counters.
	Metrics map[string]MetricLimit `json:"metrics"`
	// Prometheus is a question to a Prometheus server.
	Prometheus Prometheus `json:"prometheus"`
}

// CountLimit is a number, or off.
type CountLimit struct {
	OneOf
	Count int    `minimum:"0"`
	Off   string `enum:"off"`
}

// ShareLimit is percentage points beyond the stable side, over and max, or off.
type ShareLimit struct {
	OneOf
	Over Percentage
	Off  string `enum:"off"`
	Both ShareBounds
}

// ShareBounds bounds a share against the stable side, and by itself.
type ShareBounds struct {
	// Over is how much the share may exceed that of the stable side.
	Over Percentage `json:"over"`
	// Max is the largest share.
	Max Percentage `json:"max"`
}

// Latency has limits on the time of requests.
type Latency struct {
	// P50 bounds the median.
	P50 DelayLimit `json:"p50"`
	// P99 bounds the time that 99 of 100 requests do not exceed.
	P99 DelayLimit `json:"p99"`
}

// DelayLimit is a time or a percentage beyond the stable side, over and max, or off.
type DelayLimit struct {
	OneOf
	Time    Duration
	Percent Percentage
	Off     string `enum:"off"`
	Both    DelayBounds
}

// DelayBounds bounds a time against the stable side, and by itself.
type DelayBounds struct {
	// Over is how much the time may exceed that of the stable side.
	Over Delay `json:"over"`
	// Max is the longest time.
	Max Duration `json:"max"`
}

// Delay is a time, or a percentage of the stable side's.
type Delay struct {
	OneOf
	Time    Duration
	Percent Percentage
}

// GrowthLimit is a size, a percentage of the memory limit, or off.
type GrowthLimit struct {
	OneOf
	Size    Size
	Number  int `minimum:"0"`
	Percent Percentage
	Off     string `enum:"off"`
}

// MetricLimit bounds a counter of the filter.
type MetricLimit struct {
	// Max is a number, or a share of the requests.
	Max MetricMax `json:"max" required:"true"`
}

// MetricMax is a number, or a share of the requests.
type MetricMax struct {
	OneOf
	Count   int `minimum:"0"`
	Percent Percentage
}

// Prometheus is a question to a Prometheus server.
type Prometheus struct {
	// URL is the address of the server.
	URL string `json:"url" required:"true" pattern:"^https?://" examples:"[\"http://localhost:9090\"]"`
	// Query is the question, in PromQL.
	Query string `json:"query" required:"true" minLength:"1"`
	// Max is the largest answer that is good.
	Max float64 `json:"max" required:"true"`
	// TokenFile is a file with a bearer token.
	TokenFile string `json:"tokenFile" minLength:"1"`
	// PasswordFile is a file with user:password.
	PasswordFile string `json:"passwordFile" minLength:"1"`
	// CAFile is a file with the certificate authorities of the server.
	CAFile string `json:"caFile" minLength:"1"`
}
