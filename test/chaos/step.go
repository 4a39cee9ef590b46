package chaos

import (
	"fmt"
	"time"
)

// Kind is the kind of a change.
type Kind string

// The changes.
const (
	Nothing   Kind = "nothing"            // only harm is done
	Write     Kind = "write a spec"       // a new module, a new configuration, or both
	Overwrite Kind = "overwrite a module" // in place and slowly, like cp
	Burst     Kind = "burst of edits"     // of all filters, the last one good
	Bad       Kind = "write a bad spec"
	Remove    Kind = "remove a spec"
	Disable   Kind = "disable"
	Enable    Kind = "enable"
	RollBack  Kind = "roll back"
	MoveDir   Kind = "move the directory away and back"
	SwapDir   Kind = "replace the directory"
	HoldAll   Kind = "remove all specs, and put them back"
	Pause     Kind = "pause a rollout, and resume it"
	Abort     Kind = "abort a rollout"
	Freeze    Kind = "freeze the server, and write a spec"
	Pin       Kind = "pin a rollback"
	Unpin     Kind = "unpin"
)

// HarmKind is a kind of harm to the processes, the disk, the clock or the links.
type HarmKind string

// The harm.
const (
	KillServer    HarmKind = "kill the server"
	StopServer    HarmKind = "end the server"
	RotState      HarmKind = "kill the server, damage its state"
	PauseServer   HarmKind = "pause the server"
	KillEnvoy     HarmKind = "kill an Envoy"
	PauseEnvoy    HarmKind = "pause an Envoy"
	CutLink       HarmKind = "cut an Envoy's links"
	RefuseLink    HarmKind = "refuse an Envoy's links"
	RefuseModules HarmKind = "refuse an Envoy's module link"
	SlowModules   HarmKind = "slow an Envoy's module link"
	FlapListener  HarmKind = "add and remove a listener, again and again"
	FillDisk      HarmKind = "fill the disk"
	StepClock     HarmKind = "step the clock"
)

// kills reports whether a process ends and starts again.
func (k HarmKind) kills() bool {
	return k == KillServer || k == StopServer || k == RotState || k == KillEnvoy
}

// Edit is one write of a burst.
type Edit struct {
	Filter  int
	Content Content
}

// Harm happens some time after the beginning of the change, and lasts for some time.
type Harm struct {
	Kind  HarmKind
	After time.Duration
	For   time.Duration
	Envoy int           // its place in the fleet
	Step  time.Duration // of the clock
	Rot   uint64        // chooses the damage
	// Preflight is the sandbox's mode after a restart of the server; "": as before.
	Preflight string
}

// Step is one operation: a change with harm at the same time.
type Step struct {
	N      int
	Kind   Kind
	Filter int    // the changed filter
	Edits  []Edit // in order; the last edit of each filter stays
	Pick   uint64 // chooses the revision of a rollback
	// Return makes the change wait until the killed process runs again, and then for After.
	// Otherwise After begins with the step.
	Return bool
	After  time.Duration
	For    time.Duration
	Harm   []Harm
}

// String returns the step in one line.
func (s Step) String() string {
	text := fmt.Sprintf("#%d %s", s.N, s.Kind)
	switch s.Kind {
	case Nothing, MoveDir, SwapDir, HoldAll:
	case Burst:
		text += fmt.Sprintf(" (%d)", len(s.Edits))
	default:
		text += " of " + string(Filters()[s.Filter])
	}
	switch {
	case s.Kind == Nothing:
	case s.Return:
		text += fmt.Sprintf(" %v after a return", s.After)
	case s.After > 0:
		text += fmt.Sprintf(" after %v", s.After)
	}
	if s.Kind == Bad {
		text += " (" + string(s.Edits[0].Content.Fault) + ")"
	}
	for _, h := range s.Harm {
		text += ", " + h.String()
	}
	return text
}

// String returns the harm in a few words.
func (h Harm) String() string {
	text := string(h.Kind)
	switch h.Kind {
	case KillEnvoy, PauseEnvoy, CutLink, RefuseLink, RefuseModules, SlowModules:
		text += fmt.Sprintf(" [%d]", h.Envoy)
	case StepClock:
		text += fmt.Sprintf(" by %v", h.Step)
	}
	if h.Preflight != "" {
		text += ", back with --preflight " + h.Preflight
	}
	return fmt.Sprintf("%s after %v", text, h.After)
}
