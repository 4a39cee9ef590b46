package specs

import (
	"cmp"
	"fmt"
	"io"

	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/signature"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// print prints each module with its signatures, and then the problems.
func (v *verifying) print(w io.Writer) {
	lines := &display.SourceLines{}
	for _, one := range v.Modules {
		fmt.Fprintf(w, "%-4s %s\n", one.word(), terminal.Printable(one.title()))
		for _, check := range one.Checks {
			if len(one.Checks) > 1 {
				fmt.Fprintf(w, "  as the %s ask:\n", map[string]string{"spec": "spec's lines", "flags": "flags"}[check.By])
			}
			for _, found := range check.Found {
				printFound(w, found, check.Required)
			}
			if len(check.Found) == 0 {
				fmt.Fprintln(w, "  no signature and no attestation")
			}
		}
	}
	var problems []*spec.Error
	problems = append(problems, v.problems...)
	for _, one := range v.Modules {
		if one.problem != nil {
			problems = append(problems, one.problem)
		}
		for _, check := range one.Checks {
			if check.problem != nil {
				problems = append(problems, check.problem)
			}
		}
	}
	for _, e := range problems {
		fmt.Fprintln(w)
		display.Problem(w, lines, e)
	}
}

// word says how a module is: ok, FAIL, or "-" if nothing is required of it.
func (v verified) word() string {
	if !v.OK {
		return "FAIL"
	}
	for _, check := range v.Checks {
		if check.Required {
			return "ok"
		}
	}
	return "-"
}

func (v verified) title() string {
	title := v.Module
	if v.Name != "" {
		title = v.Name + "  " + title
	}
	if v.Digest != "" {
		title += "  " + v.Digest
	}
	return title
}

// printFound prints a signature or attestation. Without requirements no signer is trusted by name,
// and a proved signature is shown as a signature.
func printFound(w io.Writer, f signature.Found, required bool) {
	what := string(f.Kind)
	if f.PredicateType != "" {
		what += " " + spec.PredicateName(f.PredicateType)
	}
	proved := f.Problem == "" || !required && f.Subject != ""
	if !proved {
		fmt.Fprintf(w, "  not counted: %s: %s\n", what, terminal.Printable(f.Problem))
	} else {
		fmt.Fprintf(w, "  %s by %s\n", what, terminal.Printable(signer(f)))
	}
	if f.Builder != "" {
		fmt.Fprintf(w, "    builder  %s\n", terminal.Printable(f.Builder))
	}
	if !f.Time.IsZero() {
		fmt.Fprintf(w, "    signed   %s, as %s proves\n", display.Moment(f.Time), terminal.Printable(cmp.Or(f.TimeBy, "its proof")))
	}
	if f.Log != "" {
		fmt.Fprintf(w, "    log      %s, entry %d\n", terminal.Printable(f.Log), f.LogIndex)
	}
	if f.Place != "" {
		fmt.Fprintf(w, "    place    %s\n", terminal.Printable(f.Place))
	}
}

// signer names the signer of a signature or attestation.
func signer(f signature.Found) string {
	if f.Subject == "" {
		return "the key " + f.Key
	}
	return fmt.Sprintf("%s (issuer %s)", f.Subject, f.Issuer)
}
