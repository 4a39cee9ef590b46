package dir

// The stable codes of this package's errors.
const (
	CodeUnreadable     = "unreadable"                // a file or sub-directory cannot be read
	CodeEmptyFile      = "empty_file"                // a file is empty, without even a comment
	CodeTooDeep        = "directory_too_deep"        // a sub-directory exceeds the limit of depth
	CodeContainsItself = "directory_contains_itself" // a link leads above the directory of specs
	CodeDuplicateName  = "duplicate_name"            // another document has the same name
	CodeOutside        = "outside_files_root"        // a link leads out of the roots of [Bounds]

	// The codes of [source.Set.Unavailable]. CodeRemounted also applies to sub-directories.
	CodeRemounted           = "directory_remounted" // another file system is mounted at the path
	CodeDirectoryMissing    = "directory_missing"
	CodeNotADirectory       = "not_a_directory"
	CodeDirectoryUnreadable = "directory_unreadable"
	CodeTooMany             = "too_many_files" // the directory, or a link in it, exceeds the limit of files

	// The codes of [source.Set.Degraded].
	CodeWatchLimit       = "watch_limit"       // the limit of inotify or of open files
	CodeWatchUnavailable = "watch_unavailable" // the system gives no events
)
