package preflight

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// static runs the steps that look at a module without running it. These steps go on after a
// problem, so that a user sees all problems at once.
type static struct {
	request  Request
	smokes   bool // the check sends traffic through the configured module
	versions []string
	binary   *parsed
	table    hostTable
	abi      string
	known    *moduleSum // set at the first use
	problems []Problem
	warnings []Problem
}

// fatal reports whether no version is left that would load the module.
func (s *static) fatal() bool { return len(s.loading()) == 0 }

// loading returns the versions without a problem so far.
func (s *static) loading() []string {
	var left []string
	for _, v := range s.versions {
		if !slices.ContainsFunc(s.problems, func(p Problem) bool { return p.Concerns(v) }) {
			left = append(left, v)
		}
	}
	return left
}

func (s *static) add(p Problem) {
	if len(p.Versions) == len(s.versions) {
		p.Versions = nil
	}
	s.problems = append(s.problems, withCause(p))
}

// parse is the first step; after a failure there are no further steps.
func (s *static) parse() bool {
	if size := len(s.request.Module); size > maximumModuleSize {
		s.add(Problem{
			Step: StepParse, Code: CodeTooLarge,
			Message: fmt.Sprintf("the module has %d MiB; at most %d MiB are loaded", size>>20, maximumModuleSize>>20),
		})
		return false
	}
	b, err := s.read()
	if err != nil {
		code := CodeMalformed
		if errors.Is(err, errNotWasm) {
			code = CodeNotWasm
		}
		s.add(Problem{Step: StepParse, Code: code, Message: "the module " + err.Error()})
		return false
	}
	if b.badNames {
		s.add(Problem{
			Step: StepParse, Code: CodeMalformed,
			Message: "the module's name section cannot be read, and Envoy reads it for its stack traces",
			Hint:    "strip the module, or build it again without the tool that wrote the section",
		})
		return false
	}
	s.binary = b
	if s.request.AutoCapabilities {
		s.request.Capabilities = withCallbacks(Capabilities(b.info))
	}
	return true
}

// Info is [Inspect] of the request's module. If Modules keeps the module, Info does not read it
// again.
func (r Request) Info() (Info, error) {
	b, err := newStatic(r).read()
	if err != nil {
		return Info{}, err
	}
	return b.info, nil
}

// read reads the module, unless it is kept.
func (s *static) read() (*parsed, error) {
	if m := s.request.Modules; m != nil {
		if kept, ok := m.known(s.sum()); ok {
			return kept.parsed, nil
		}
	}
	return parseBinary(s.request.Module)
}

// sum returns the module's SHA-256.
func (s *static) sum() moduleSum {
	if s.known == nil {
		sum, ok := sumOf(s.request.SHA256)
		if !ok {
			sum = sha256.Sum256(s.request.Module)
		}
		s.known = &sum
	}
	return *s.known
}

// checkABI finds the ABI as Envoy does: the first export with the name of a known ABI decides.
func (s *static) checkABI() {
	for _, abi := range s.binary.info.ABIs {
		if abi == abi010 || abi == abi020 || abi == abi021 {
			s.abi = abi
			s.warnSeveral()
			return
		}
	}
	// s.abi stays "": the later steps look for functions that no ABI has.
	message := "the module exports no proxy_abi_version function: it is no Proxy-Wasm filter"
	if slices.ContainsFunc(s.binary.info.Imports, func(f Function) bool {
		return f.Module == moduleEnv && strings.HasPrefix(f.Name, "proxy_")
	}) {
		message = "the module exports no proxy_abi_version function, but imports Envoy's functions: its Proxy-Wasm SDK is from before ABI 0.1.0, or the linker has dropped the export"
	}
	if found := s.binary.info.ABIs; found != nil {
		message = fmt.Sprintf("the module is built for Proxy-Wasm ABI %s; Envoy knows 0.1.0, 0.2.0 and 0.2.1", strings.Join(found, ", "))
	}
	s.add(Problem{Step: StepABI, Code: CodeABIMissing, Message: message})
}

func (s *static) warnSeveral() {
	if found := s.binary.info.ABIs; len(found) > 1 {
		s.warnings = append(s.warnings, Problem{
			Step: StepABI, Code: CodeABISeveral,
			Message: fmt.Sprintf("the module says that it is built for the ABIs %s; Envoy takes %s", strings.Join(found, " and "), s.abi),
		})
	}
}

func (s *static) checkImports() {
	s.missingImports()
	var wrong []Function
	for _, f := range s.binary.info.Imports {
		if known, ok := s.table.find(f.Module, f.Name); ok && known.Signature != f.Signature {
			f.Want = known.Signature
			wrong = append(wrong, f)
		}
	}
	if wrong != nil {
		p := Problem{
			Step: StepImports, Code: CodeImportSignature, Functions: wrong,
			Message: "the module imports host functions with another signature than Envoy's",
		}
		for _, f := range wrong {
			p.Detail = append(p.Detail, fmt.Sprintf("%s.%s is %s, imported as %s", f.Module, f.Name, arrow(f.Want), arrow(f.Signature)))
		}
		s.add(p)
	}
	if globals := s.binary.info.Globals; globals != nil {
		s.add(Problem{
			Step: StepImports, Code: CodeImportGlobal, Detail: globals,
			Message: "the module imports global variables, of which Envoy has none",
		})
	}
}

// missingImports makes one problem for each set of versions with the same missing functions.
func (s *static) missingImports() {
	missing := map[string][]Function{} // by the versions that lack them
	var order []string
	for _, f := range s.binary.info.Imports {
		known, ok := s.table.find(f.Module, f.Name)
		var lacking []string
		for _, v := range s.versions {
			if !ok || !known.in(v, s.abi) {
				lacking = append(lacking, v)
			}
		}
		if lacking == nil {
			continue
		}
		f.Versions = lacking
		key := strings.Join(lacking, " ")
		if missing[key] == nil {
			order = append(order, key)
		}
		missing[key] = append(missing[key], f)
	}
	for _, key := range order {
		functions := missing[key]
		p := Problem{
			Step: StepImports, Code: CodeImportMissing, Functions: functions, Versions: functions[0].Versions,
			Message: fmt.Sprintf("Envoy has none of the %d functions that the module imports here", len(functions)),
		}
		if len(functions) == 1 {
			p.Message = fmt.Sprintf("Envoy has no function %s.%s, which the module imports", functions[0].Module, functions[0].Name)
		}
		for _, f := range functions {
			p.Detail = append(p.Detail, fmt.Sprintf("%s.%s %s", f.Module, f.Name, arrow(f.Signature)))
		}
		s.add(p)
	}
}

// export returns a module's function by name.
func (s *static) export(name string) (Function, bool) {
	i := slices.IndexFunc(s.binary.info.Exports, func(f Function) bool { return f.Name == name })
	if i < 0 {
		return Function{}, false
	}
	return s.binary.info.Exports[i], true
}

// wanted returns the exports whose signatures Envoy checks, with the signatures.
func (s *static) wanted() []callback {
	wanted := []callback{{name: exportInitialize, signature: signatureStart}}
	if _, ok := s.export(exportInitialize); ok {
		wanted = append(wanted, callback{name: exportMain, signature: signatureMain}, callback{name: exportMainVoid, signature: signatureMainVoid})
	} else {
		wanted = append(wanted, callback{name: exportStart, signature: signatureStart})
	}
	wanted = append(wanted, callback{name: s.allocator(), signature: signatureMalloc})
	for _, c := range callbacks() {
		if (c.abis == nil || slices.Contains(c.abis, s.abi)) && s.request.allows(c.name) {
			wanted = append(wanted, c)
		}
	}
	return wanted
}

// allocator returns the export that allocates memory. Envoy takes the second name only if the
// module has no export of the first name.
func (s *static) allocator() string {
	if _, ok := s.export(exportMalloc); ok {
		return exportMalloc
	}
	return exportAllocate
}

func (s *static) checkExports() {
	var wrong, later []Function // later: exports that only some versions check
	for _, w := range s.wanted() {
		f, ok := s.export(w.name)
		if !ok || f.Signature == w.signature {
			continue
		}
		f.Want = w.signature
		if w.name == exportMainVoid {
			later = append(later, f)
		} else {
			wrong = append(wrong, f)
		}
	}
	s.wrongExports(wrong, s.versions)
	s.wrongExports(later, since(s.versions, mainVoidSince))
	if _, ok := s.export(s.allocator()); !ok {
		s.add(Problem{
			Step: StepExports, Code: CodeMallocMissing,
			Message: "the module exports neither malloc nor proxy_on_memory_allocate, with which Envoy gives it what it asks for",
		})
	}
}

func (s *static) checkMemory() {
	usable := slices.ContainsFunc(s.binary.info.Memories, func(m Memory) bool { return m.Imported || m.Export != "" })
	if !usable {
		s.add(Problem{
			Step: StepMemory, Code: CodeMemoryMissing,
			Message: "the module exports no memory: Envoy would accept it, and crash on the first request",
		})
	}
	for _, m := range s.binary.info.Memories {
		if m.Min > maximumMemoryPages {
			s.add(Problem{
				Step: StepMemory, Code: CodeMemoryLimit,
				Message: fmt.Sprintf("the module's memory begins with %d pages of 64 KiB; Envoy gives %d at most", m.Min, maximumMemoryPages),
			})
		}
		if limit := s.request.Limits.Memory; limit != 0 && m.Min > limit {
			s.add(Problem{
				Step: StepMemory, Code: CodeMemoryLimit,
				Message: fmt.Sprintf("the module's memory begins with %d pages of 64 KiB; %d are allowed", m.Min, limit),
			})
		}
	}
}

func (s *static) wrongExports(wrong []Function, versions []string) {
	if wrong == nil || versions == nil {
		return
	}
	p := Problem{
		Step: StepExports, Code: CodeExportSignature, Functions: wrong, Versions: versions,
		Message: "the module exports callbacks with another signature than Envoy's",
	}
	for _, f := range wrong {
		p.Detail = append(p.Detail, fmt.Sprintf("%s is %s, exported as %s", f.Name, arrow(f.Want), arrow(f.Signature)))
	}
	s.add(p)
}

// arrow formats a signature for people.
func arrow(signature string) string {
	names := map[rune]string{'i': "i32", 'I': "i64", 'f': "f32", 'F': "f64", 'v': "v128", 'r': "ref"}
	list := func(letters string) string {
		var words []string
		for _, letter := range letters {
			words = append(words, cmp.Or(names[letter], "?"))
		}
		return "(" + strings.Join(words, " ") + ")"
	}
	params, results, _ := strings.Cut(signature, ":")
	return list(params) + " -> " + list(results)
}
