package chaos

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// Report is the result of a run.
type Report struct {
	Seed  uint64
	Nodes []Node
	Disk  string // the way in which the disk got full
	Took  time.Duration
	Counts
	Operations    int
	Steps         map[string]int // numbers of steps and harms by kind
	Disagreements []string
	Stuck         string // the step that did not end; "": all steps ended
	Examples      []string
	Slowest       []Live        // the slowest first
	Held          int           // comparisons while a command held a rollout
	SlowestPage   time.Duration // from the agreement of everything else to that of the page
	Median        time.Duration
	times         []time.Duration
}

// Live is the time from the end of a step's change until the step was live on every Envoy.
type Live struct {
	Step   string
	Took   time.Duration
	Reason string // the API's reason meanwhile
}

// Good reports whether the run found no fault.
func (r *Report) Good() bool {
	return r.Lost+r.Bypassed+r.Stale == 0 && len(r.Disagreements) == 0 && r.Stuck == "" && r.Requests > 0
}

func (r *Report) add(c Counts) {
	r.Requests += c.Requests
	r.Fresh += c.Fresh
	r.Excused += c.Excused
	r.Lost += c.Lost
	r.Bypassed += c.Bypassed
	r.Stale += c.Stale
}

func (r *Report) example(s Step, text string) {
	if len(r.Examples) < maxExamples {
		r.Examples = append(r.Examples, fmt.Sprintf("in or after %s: %s", s, text))
	}
}

func (r *Report) disagree(s Step, text string) {
	r.Disagreements = append(r.Disagreements, fmt.Sprintf("after %s: %s", s, text))
}

func (r *Report) stuck(s Step, after time.Duration, problems []string, reason string) {
	r.Stuck = s.String()
	r.disagree(s, fmt.Sprintf("still after %v: %s; the API says: %s", after.Round(time.Second), strings.Join(problems, "; "), reason))
}

// kept is the number of slowest steps in the report.
const kept = 5

func (r *Report) live(s Step, took time.Duration, reason string) {
	r.Operations++
	r.times = append(r.times, took)
	slices.Sort(r.times)
	r.Median = r.times[len(r.times)/2]
	r.Slowest = append(r.Slowest, Live{s.String(), took, reason})
	slices.SortStableFunc(r.Slowest, func(a, b Live) int { return cmp.Compare(b.Took, a.Took) })
	r.Slowest = r.Slowest[:min(len(r.Slowest), kept)]
}

// Table returns the run as a table in Markdown.
func (r *Report) Table() string {
	var b strings.Builder
	row := func(what, value string) { fmt.Fprintf(&b, "| %s | %s |\n", what, value) }
	b.WriteString("| | |\n|---|--:|\n")
	var envoys []string
	for _, n := range r.Nodes {
		envoys = append(envoys, fmt.Sprintf("%s (%s)", n.Version, n.Mode))
	}
	row("Envoys", strings.Join(envoys, ", "))
	row("seed", fmt.Sprint(r.Seed))
	row("time", r.Took.Round(time.Second).String())
	row("operations", fmt.Sprint(r.Operations))
	row("requests", fmt.Sprintf("%d, %d of them on new connections", r.Requests, r.Fresh))
	row("lost", fmt.Sprint(r.Lost))
	row("bypassed", fmt.Sprint(r.Bypassed))
	row("answered by a content that was not due", fmt.Sprint(r.Stale))
	row("not answered because the Envoy itself was killed", fmt.Sprint(r.Excused))
	row("disagreements of API, page, `status`, metrics and answers", fmt.Sprint(len(r.Disagreements)))
	row("comparisons in the middle of a rollout", fmt.Sprint(r.Held))
	row("time to live, median", r.Median.Round(time.Millisecond).String())
	if len(r.Slowest) > 0 {
		slowest := r.Slowest[0]
		row("time to live, slowest", fmt.Sprintf("%v: %s", slowest.Took.Round(time.Millisecond), slowest.Step))
		row("why, by the API", cmp.Or(slowest.Reason, "nothing waited"))
	}
	row("the page shows it later by at most", r.SlowestPage.Round(time.Millisecond).String())
	return b.String()
}

// Details returns the facts that are not in the table.
func (r *Report) Details() string {
	var b strings.Builder
	fmt.Fprintf(&b, "full disk: %s\n", r.Disk)
	b.WriteString("done:")
	for _, what := range slices.Sorted(maps.Keys(r.Steps)) {
		fmt.Fprintf(&b, " %s %d;", what, r.Steps[what])
	}
	b.WriteString("\n")
	for _, s := range r.Slowest {
		fmt.Fprintf(&b, "slow: %v %s; %s\n", s.Took.Round(time.Millisecond), s.Step, s.Reason)
	}
	for _, text := range r.Disagreements {
		fmt.Fprintf(&b, "DISAGREEMENT %s\n", text)
	}
	for _, text := range r.Examples {
		fmt.Fprintf(&b, "WRONG %s\n", text)
	}
	return b.String()
}

// First returns the first fault that the run found.
func (r *Report) First() string {
	for _, all := range [][]string{r.Disagreements, r.Examples} {
		if len(all) > 0 {
			return strings.ReplaceAll(all[0], "|", "\\|")
		}
	}
	return ""
}

// WriteTable puts a table between the marks of a name in a Markdown file.
func WriteTable(path, mark, table string) error {
	begin, end := "<!-- "+mark+" -->\n", "<!-- /"+mark+" -->"
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, begun := strings.Cut(string(text), begin)
	_, after, ended := strings.Cut(rest, end)
	if !begun || !ended {
		return fmt.Errorf("%s has no %s and %s", path, strings.TrimSpace(begin), end)
	}
	return os.WriteFile(path, []byte(before+begin+table+end+after), 0o644)
}
