package envoy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/atomicfile"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/load"
	"github.com/wasm-xds/wasm-xds/internal/kit/recording"
	"github.com/wasm-xds/wasm-xds/internal/mask"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// recordOptions are the flags of record.
type recordOptions struct {
	envoy, spec string
	most        int
	time        time.Duration
	mask, keep  []string
	query       bool
	write       bool
	force       bool
}

func newRecord() *cobra.Command {
	var o recordOptions
	c := &cobra.Command{
		Use:   "record NAME",
		Short: "Turn requests through an Envoy into tests of a filter",
		Long: `Record watches the requests that pass the HTTP filter NAME in a running Envoy, and prints
them as tests for its spec. A test has the request of the client, the answer of the
upstream, and the changes of the filter to both. Equal requests make
one test. It ends after --tests different tests, after --time, or with Ctrl-C.

Envoy needs its own tap filters around NAME; record prints them as a patch if they are not
there. Envoy has one recording at a time.

The values of authorization, cookie, set-cookie, x-api-key and other headers that carry
secrets by their names are masked, and with --spec those of the spec's configuration and
variables. Bodies are not recorded. Read the tests before you commit them.`,
		Example: `  wasm-xds record auth --envoy http://127.0.0.1:9901
  wasm-xds record auth --envoy http://127.0.0.1:9901 --spec filters/auth.yaml --write
  wasm-xds record auth --envoy http://127.0.0.1:9901 --keep-header token --mask-query`,
		Args: command.Arguments(1, 1, "the name of a filter"),
	}
	f := c.Flags()
	f.StringVar(&o.envoy, "envoy", "", "admin `address` of a running Envoy, as in http://127.0.0.1:9901")
	command.Action(f, "envoy") // the variable has the path of a binary, for dev and adopt
	f.StringVar(&o.spec, "spec", "", "spec `file` of the filter: the secrets in it are masked, too")
	command.Action(f, "spec")
	f.IntVar(&o.most, "tests", 20, "greatest `number` of tests, up to 1000")
	f.DurationVar(&o.time, "time", 30*time.Second, "longest `time` of the recording, up to 1h")
	f.StringArrayVar(&o.mask, "mask-header", nil, "`name` of a further header whose values are masked, several times for several")
	f.StringArrayVar(&o.keep, "keep-header", nil, "`name` of a header whose values are not masked, several times for several")
	f.BoolVar(&o.query, "mask-query", false, "mask the values in the query of paths, too")
	f.BoolVar(&o.write, "write", false, "write the tests into a file beside the spec, with the ending .tests")
	f.BoolVar(&o.force, "force", false, "replace that file")
	for _, name := range []string{"tests", "time", "write", "force"} {
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
	masking := &recording.Masking{Mask: lower(o.mask), Keep: lower(o.keep), Query: o.query}
	target, err := o.prepare(c.Context(), name, masking)
	if err != nil {
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
	tests := &recording.Tests{Most: o.most}
	if err := a.record(ctx, func(e recording.Exchange) (more bool) {
		tests.Add(masking.Hide(e))
		return !tests.Full()
	}, func() { fmt.Fprintf(c.ErrOrStderr(), "recording %s for up to %s\n", terminal.Printable(name), o.time) }); err != nil {
		return err
	}
	return o.finish(c, target, tests, masking)
}

// prepare reads the spec, and returns the path of the file to write; "": standard output.
func (o *recordOptions) prepare(ctx context.Context, name string, masking *recording.Masking) (target string, err error) {
	if o.spec == "" {
		return "", nil
	}
	docs := load.Paths(ctx, []string{o.spec}, nil)
	found := false
	for _, s := range docs.Specs {
		if s.Name != name {
			continue
		}
		found = true
		var secrets mask.Builder
		secrets.Config(s.Config, s.ConfigType)
		secrets.Config(s.VM.Config, s.VM.ConfigType)
		for _, value := range s.VM.Env {
			secrets.Value(value)
		}
		masking.Spec = secrets.Mask()
	}
	if !found {
		return "", command.Failure("no_spec", o.spec+" has no spec of the filter "+name, "name the spec file with --spec")
	}
	if !o.write {
		return "", nil
	}
	target = strings.TrimSuffix(o.spec, filepath.Ext(o.spec)) + ".tests"
	if _, err := os.Lstat(target); err == nil && !o.force {
		return "", command.Failure("exists", target+" is there already", "move it away, or replace it with --force")
	}
	return target, nil
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

// record gives each exchange to take, until take returns false or ctx ends. begun is called when
// Envoy has begun the recording.
func (a admin) record(ctx context.Context, take func(recording.Exchange) (more bool), begun func()) error {
	fail := func(message string) error {
		return command.Failure("tap_failed", "Envoy's admin at "+a.address+" "+message, "another recording may run: Envoy has one at a time")
	}
	body, err := json.Marshal(map[string]any{"config_id": recording.ConfigID, "tap_config": map[string]any{
		"match": map[string]any{"any_match": true},
		"output_config": map[string]any{
			"streaming": true, "max_buffered_rx_bytes": 1, "max_buffered_tx_bytes": 1,
			"sinks": []any{map[string]any{"format": "JSON_BODY_AS_BYTES", "streaming_admin": map[string]any{}}},
		},
	}})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.base+"/tap", bytes.NewReader(body))
	if err != nil {
		return fail("cannot be asked: " + reason.Of(err))
	}
	response, err := a.client.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return nil // no request has come, and no header of the answer
		}
		return fail("does not answer: " + reason.Of(err))
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10)) // the status is told anyway
		return fail(fmt.Sprintf("refuses the recording: %s", terminal.Printable(strings.TrimSpace(string(text)))))
	}
	begun()
	var segments recording.Segments
	decoder := json.NewDecoder(response.Body)
	for {
		var text json.RawMessage
		switch err := decoder.Decode(&text); {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return fail("has ended the recording")
		case err != nil:
			return fail("sends something else than JSON: " + reason.Of(err))
		}
		e, ok, err := segments.Take(text)
		if err != nil {
			return fail("sends an unknown segment: " + err.Error())
		}
		if ok && !take(e) {
			return nil
		}
	}
}

// finish prints or writes the tests, and lists their gaps.
func (o *recordOptions) finish(c *cobra.Command, target string, tests *recording.Tests, masking *recording.Masking) error {
	if tests.Len() == 0 {
		return command.Failure("no_requests", "no request has passed the filter", "send requests meanwhile, or record for longer with --time")
	}
	text, err := tests.YAML()
	if err != nil {
		return err
	}
	stderr := c.ErrOrStderr()
	if target == "" {
		if _, err := c.OutOrStdout().Write(text); err != nil {
			return err
		}
	} else if err := atomicfile.WriteFile(target, text, 0o600); err != nil {
		return err
	}
	fmt.Fprintln(stderr, display.Plural(tests.Len(), "test")+", "+display.Plural(tests.Twice, "equal request")+" left out")
	if tests.Large > 0 {
		fmt.Fprintln(stderr, "note:", display.Plural(tests.Large, "request"), "left out for the size of their headers")
	}
	if tests.Bodies > 0 {
		fmt.Fprintln(stderr, "note:", display.Plural(tests.Bodies, "test"), "without the body that the request had")
	}
	if names := masking.Masked(); len(names) > 0 {
		fmt.Fprintln(stderr, "masked:", terminal.Printable(strings.Join(names, ", ")), "(--keep-header NAME keeps one)")
	}
	next := "put them into the spec's tests"
	if target != "" {
		next = "put the tests of " + target + " into the spec"
	}
	fmt.Fprintln(stderr, "next: "+next+", and run wasm-xds test")
	return nil
}

func lower(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = strings.ToLower(name)
	}
	return out
}
