// Package gitcheckout finds the git commit of a file in a checkout.
//
// The package reads the files of git itself, and runs no program: the configuration of a repository
// can name programs that git runs, and it may come from anybody. Each file is read below the
// checkout, with a limit on its size, and a link that leads out is refused.
// See docs/RATIONALE.md#why-does-the-record-read-git-itself.
//
// Read the files in this order: object.go (commits and trees), pack.go (packed objects),
// repository.go (branches and objects), checkout.go ([Reader], with the way from a file to its
// commit).
package gitcheckout
