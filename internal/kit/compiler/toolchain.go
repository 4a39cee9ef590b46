package compiler

import (
	"os/exec"

	"github.com/wasm-xds/wasm-xds/internal/kit/project"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// need returns an error for the first missing program of a language's toolchain.
func need(l project.Language, programs ...string) error {
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			return missingTool(program, l)
		}
	}
	return nil
}

// missingTool says how to get a toolchain.
func missingTool(tool string, l project.Language) error {
	return &spec.Error{Code: CodeNoToolchain, Message: tool + " is not installed, and the project needs it", Hint: HowToGet(l)}
}

// HowToGet says how to install the toolchain of a language.
func HowToGet(l project.Language) string {
	return map[project.Language]string{
		project.Go: "install Go 1.24 or later: https://go.dev/dl, or brew install go",
		project.Rust: "with rustup (https://rustup.rs): rustup target add wasm32-wasip1; " +
			"Debian, Ubuntu: apt-get install cargo rustc libstd-rust-dev-wasm32; Fedora: dnf install cargo rust-std-static-wasm32-wasip1",
		project.AssemblyScript: "install Node.js with npm: https://nodejs.org; Debian, Ubuntu: apt-get install nodejs npm; or brew install node",
		project.CPP: "install clang and lld; Debian, Ubuntu: apt-get install clang lld; Fedora: dnf install clang lld; or brew install llvm lld, " +
			"with $(brew --prefix llvm)/bin on the PATH",
		project.Zig: "install Zig 0.14 or later: https://ziglang.org/download, brew install zig, or pip install ziglang",
	}[l]
}
