package dir

// The codes of this package's errors. They are stable.
const (
	CodeUnreadable    = "unreadable"         // a file or sub-directory that cannot be read
	CodeEmptyFile     = "empty_file"         // nothing in it, not even a comment
	CodeTooDeep       = "directory_too_deep" // a sub-directory below too many others
	CodeDuplicateName = "duplicate_name"     // another document has the name already

	// Of [source.Set.Unavailable], and the first of sub-directories too.
	CodeRemounted           = "directory_remounted" // another file system in its place
	CodeDirectoryMissing    = "directory_missing"
	CodeNotADirectory       = "not_a_directory"
	CodeDirectoryUnreadable = "directory_unreadable"
	CodeTooMany             = "too_many_files" // more than a directory of specs holds

	// Of [source.Set.Degraded].
	CodeWatchLimit       = "watch_limit"       // of inotify, or of open files
	CodeWatchUnavailable = "watch_unavailable" // the system gives no events
)
