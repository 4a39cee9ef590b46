package template

// language has the words of a language for the README.
type language struct {
	id    string
	Name  string
	Files [][2]string // names, each with its meaning
	Needs string
	// Command is the compiler, as in `wasm-xds build`.
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
		{
			id: "rust", Name: "Rust",
			Files: [][2]string{{"src/lib.rs", "the filter"}, {"Cargo.toml", "the crate: proxy-wasm is the binding to Envoy's host functions"}},
			Needs: "Rust 1.68 or later with a target for Wasm: `rustup target add wasm32-wasip1`, or on Debian 13 and Ubuntu " +
				"`apt-get install cargo rustc libstd-rust-dev-wasm32`.",
			Command: "cargo build --release --target wasm32-wasip1",
		},
		{
			id: "assemblyscript", Name: "AssemblyScript",
			Files: [][2]string{
				{"assembly/index.ts", "the filter"},
				{"assembly/proxywasm.ts", "the binding to Envoy's host functions"},
				{"asconfig.json", "the options of the compiler"},
			},
			Needs:   "Node.js 20 or later with npm (https://nodejs.org). The first build installs the compiler into node_modules.",
			Command: "npm install && npx asc assembly/index.ts --target release",
		},
		{
			id: "cpp", Name: "C++",
			Files: [][2]string{{"filter.cc", "the filter"}, {"proxywasm.h", "the binding to Envoy's host functions, and the memory: no library is needed"}},
			Needs: "clang and lld: on Debian and Ubuntu `apt-get install clang lld`, with Homebrew `brew install llvm lld`.",
			Command: "clang++ --target=wasm32 -std=c++17 -O2 -flto -ffreestanding -fno-exceptions -fno-rtti \\\n" +
				"  -fno-c++-static-destructors -nostdlib -Wl,--no-entry -o build/my-filter.wasm filter.cc",
		},
		{
			id: "zig", Name: "Zig",
			Files: [][2]string{{"filter.zig", "the filter"}, {"proxywasm.zig", "the binding to Envoy's host functions"}},
			Needs: "Zig 0.14 or later (https://ziglang.org/download), also as `pip install ziglang`.",
			Command: "zig build-exe filter.zig -target wasm32-freestanding -fno-entry -rdynamic -O ReleaseSmall \\\n" +
				"  -femit-bin=build/my-filter.wasm",
		},
	}
}
