package envoy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/load"
	"github.com/wasm-xds/wasm-xds/internal/kit/recording"
	"github.com/wasm-xds/wasm-xds/internal/mask"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func newRecord() *cobra.Command {
	var o recordOptions
	c := &cobra.Command{
		Use:   "record NAME",
		Short: "Turn requests through an Envoy into tests of a filter",
		Long: `Record watches the requests that pass the HTTP filter NAME in a running Envoy, and prints
them as tests for its spec. A test has the request of the client, the answer of the
upstream, and the changes of the filter to both: headers, bodies of up to 16 KiB of text,
and trailers. Equal requests make one test. Record ends after --tests different tests,
after --time, or with Ctrl-C.

Envoy needs its own tap filters around NAME; record prints them as a patch if they are not
there. Envoy has one recording at a time.

With --spec, record runs the tests in the sandbox, as test does, and says which of them pass.
With --write, the tests that pass are added to the tests of the spec.

Headers, and fields of JSON, forms and queries, that carry secrets by their names are masked:
authorization, cookie, token, password and the like. With --spec, so are the values of the
spec's configuration and variables. Read the tests before you commit them.`,
		Example: `  wasm-xds record auth --envoy http://127.0.0.1:9901
  wasm-xds record auth --envoy http://127.0.0.1:9901 --spec filters/auth.yaml --write
  wasm-xds record auth --envoy http://127.0.0.1:9901 --keep token --mask-query`,
		Args: command.Arguments(1, 1, "the name of a filter"),
	}
	f := c.Flags()
	f.StringVar(&o.envoy, "envoy", "", "admin `address` of a running Envoy, as in http://127.0.0.1:9901")
	command.Action(f, "envoy") // the variable has the path of a binary, for dev and adopt
	f.StringVar(&o.spec, "spec", "", "spec `file` of the filter: its secrets are masked, and the tests run in the sandbox")
	command.Action(f, "spec")
	f.IntVar(&o.most, "tests", 20, "greatest `number` of tests, up to 1000")
	f.DurationVar(&o.time, "time", 30*time.Second, "longest `time` of the recording, up to 1h")
	f.StringArrayVar(&o.mask, "mask", nil, "`name` of a further header or field whose values are masked, several times for several")
	f.StringArrayVar(&o.keep, "keep", nil, "`name` of a header or field whose values are not masked, several times for several")
	f.BoolVar(&o.query, "mask-query", false, "mask all values in the query of paths")
	f.BoolVar(&o.write, "write", false, "add the tests that pass in the sandbox to the tests of --spec")
	for _, name := range []string{"tests", "time", "write"} {
		command.Action(f, name)
	}
	c.RunE = func(c *cobra.Command, args []string) error { return o.run(c, args[0]) }
	return c
}

func (o *recordOptions) validate(c *cobra.Command) error {
	switch {
	case o.envoy == "":
		return command.Usage(c, "name the admin address of an Envoy with --envoy")
	case o.most < 1 || o.most > 1000:
		return command.Usage(c, fmt.Sprintf("invalid --tests %d: it is from 1 to 1000", o.most))
	case o.time <= 0 || o.time > time.Hour:
		return command.Usage(c, fmt.Sprintf("invalid --time %s: it is more than 0s, and at most 1h", o.time))
	case o.write && o.spec == "":
		return command.Usage(c, "--write needs --spec")
	}
	return nil
}

func (o *recordOptions) run(c *cobra.Command, name string) error {
	if err := o.validate(c); err != nil {
		return err
	}
	r := recorded{tests: recording.Tests{Most: o.most}, masking: recording.Masking{Mask: lower(o.mask), Keep: lower(o.keep), Query: o.query}}
	if err := o.prepare(c.Context(), name, &r); err != nil {
		return err
	}
	a, err := newAdmin(o.envoy)
	if err != nil {
		return err
	}
	defer a.client.CloseIdleConnections()
	if err := checkTaps(c, a, name); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context(), o.time)
	defer cancel()
	r.streams, err = a.record(ctx, func(e recording.Exchange) (more bool) {
		r.tests.Add(r.masking.Hide(e))
		return !r.tests.Full()
	}, func() { fmt.Fprintf(c.ErrOrStderr(), "recording %s for up to %s\n", terminal.Printable(name), o.time) })
	if err != nil {
		return err
	}
	return o.finish(c, &r)
}

// prepare reads the spec.
func (o *recordOptions) prepare(ctx context.Context, name string, r *recorded) error {
	if o.spec == "" {
		return nil
	}
	docs := load.Paths(ctx, []string{o.spec}, nil)
	i := slices.IndexFunc(docs.Specs, func(s *spec.Spec) bool { return s.Name == name })
	if i < 0 {
		return command.Failure("no_spec", o.spec+" has no spec of the filter "+name, "name the spec file with --spec")
	}
	s := docs.Specs[i]
	var secrets mask.Builder
	secrets.Config(s.Config, s.ConfigType)
	secrets.Config(s.VM.Config, s.VM.ConfigType)
	for _, value := range s.VM.Env {
		secrets.Value(value)
	}
	r.spec, r.masking.Spec, r.tests.Taken = s, secrets.Mask(), map[string]bool{}
	for _, t := range s.Tests {
		r.tests.Taken[t.Name] = true
	}
	return nil
}

// checkTaps refuses an Envoy without the taps, and shows the patch.
func checkTaps(c *cobra.Command, a admin, name string) error {
	ctx, cancel := context.WithTimeout(c.Context(), envoyTimeout)
	defer cancel()
	dump, err := a.get(ctx, "/config_dump")
	if err != nil {
		return err
	}
	place, err := recording.Find(dump, name)
	switch {
	case err != nil:
		return err
	case !place.Found:
		return command.Failure("no_filter", "Envoy has no HTTP filter with the name "+name, "look at wasm-xds doctor --envoy "+a.address)
	case !place.Tapped:
		fmt.Fprint(c.ErrOrStderr(), recording.Patch(name))
		return command.Failure("no_tap", "Envoy has no tap filters right before and after "+name, "add the lines with + above to http_filters, in Envoy's bootstrap or its source of listeners")
	}
	return nil
}

func lower(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = strings.ToLower(name)
	}
	return out
}
