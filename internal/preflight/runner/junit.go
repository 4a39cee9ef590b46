package runner

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
)

// Suite is a filter with the results of check and tests.
type Suite struct {
	Filter string
	File   string
	// Problems are the check's; nil: the check has passed.
	Problems []finding.Problem
	// Checked is the duration of the check, without the tests.
	Checked time.Duration
	Tests   []Result
	// Coverage becomes a property of the suite; nil: none.
	Coverage *Coverage
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string `xml:"name,attr"`
	File     string `xml:"file,attr,omitempty"`
	Tests    int    `xml:"tests,attr"`
	Failures int    `xml:"failures,attr"`
	Skipped  int    `xml:"skipped,attr,omitempty"`
	Time     string `xml:"time,attr"`
	// Properties come before the cases.
	Properties *junitProperties `xml:"properties"`
	Cases      []junitCase      `xml:"testcase"`
}

type junitProperties struct {
	Property []junitProperty `xml:"property"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Name     string         `xml:"name,attr"`
	Class    string         `xml:"classname,attr"`
	File     string         `xml:"file,attr,omitempty"`
	Line     int            `xml:"line,attr,omitempty"`
	Time     string         `xml:"time,attr"`
	Failures []junitFailure `xml:"failure"`
	Skipped  *junitSkipped  `xml:"skipped"`
	Output   string         `xml:"system-out,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// junitSkipped marks a test without a result.
type junitSkipped struct {
	Message string `xml:"message,attr"`
}

// loads is the name of the case for the check itself.
const loads = "loads in Envoy"

// WriteJUnit writes results in the XML that CI systems read. Each filter's check is a case of its
// own, before the filter's tests.
func WriteJUnit(w io.Writer, suites []Suite) error {
	all := junitSuites{}
	var total time.Duration
	for _, s := range suites {
		suite := junitSuite{Name: s.Filter, File: s.File, Cases: []junitCase{loadCase(s)}}
		sum := s.Checked
		if c := s.Coverage; c != nil {
			suite.Properties = &junitProperties{[]junitProperty{
				{"coverage.percent", strconv.Itoa(c.Percent)},
				{"coverage.never", strings.Join(append(slices.Clone(c.Callbacks.Never), c.HostFunctions.Never...), " ")},
			}}
		}
		for _, t := range s.Tests {
			suite.Cases = append(suite.Cases, testCase(s, t))
			sum += t.Duration
		}
		for _, c := range suite.Cases {
			suite.Tests++
			if len(c.Failures) > 0 {
				suite.Failures++
			}
			if c.Skipped != nil {
				suite.Skipped++
			}
		}
		suite.Time = seconds(sum)
		total += sum
		all.Tests += suite.Tests
		all.Failures += suite.Failures
		all.Suites = append(all.Suites, suite)
	}
	all.Time = seconds(total)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// seconds formats a time with microseconds, because most tests take less than a millisecond.
func seconds(d time.Duration) string { return fmt.Sprintf("%.6f", d.Seconds()) }

func loadCase(s Suite) junitCase {
	c := junitCase{Name: loads, Class: s.Filter, File: s.File, Time: seconds(s.Checked)}
	for _, p := range s.Problems {
		text := strings.Join(p.Detail, "\n")
		if p.Hint != "" {
			text = strings.TrimLeft(text+"\nhint: "+p.Hint, "\n")
		}
		c.Failures = append(c.Failures, junitFailure{Message: p.Message, Type: p.Code, Text: text})
	}
	return c
}

func testCase(s Suite, t Result) junitCase {
	c := junitCase{Name: t.Name, Class: s.Filter, File: t.File, Line: t.Line, Time: seconds(t.Duration)}
	if t.Doubtful {
		words := make([]string, len(t.Failures))
		for i, f := range t.Failures {
			words[i] = f.String()
		}
		c.Skipped = &junitSkipped{Message: "failed, which may be for want of vm.hostEnv: " + strings.Join(words, "; ")}
		t.Failures = nil
	}
	for _, f := range t.Failures {
		c.Failures = append(c.Failures, junitFailure{Message: f.String(), Type: f.What, Text: f.Diff})
	}
	if !t.OK {
		c.Output = strings.Join(t.Logs, "\n")
	}
	return c
}
