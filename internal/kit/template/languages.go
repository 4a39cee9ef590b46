package template

// language has the words of a language for the README.
type language struct {
	id    string
	Name  string
	Files [][2]string // names, and what they are
	Needs string
	// Command is the compiler as `wasm-xds build` runs it.
	Command string
}

// languages returns the languages of the templates.
func languages() []language {
	return []language{
		{
			id: "go", Name: "Go",
			Files: [][2]string{{"main.go", "the filter"}, {"proxywasm/", "the binding to Envoy's host functions; begin with doc.go"}},
			Needs: "Go 1.24 or later (https://go.dev/dl). TinyGo makes smaller modules, but needs the build command in the spec: " +
				"`build: tinygo build -target wasip1 -buildmode=c-shared -opt=2 -no-debug -o build/my-filter.wasm .`",
			Command: "GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags='-s -w' -o build/my-filter.wasm .",
		},
	}
}
