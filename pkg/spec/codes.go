package spec

// The stable codes of the errors of [Decode] and [ConfigError], and of the notices of
// [Spec.Notices].
const (
	CodeBadYAML      = "bad_yaml"      // not YAML, or YAML that a spec cannot use
	CodeEmptyFile    = "empty_file"    // nothing but white space
	CodeTooLarge     = "too_large"     // over one of the limits of a file
	CodeUnknownField = "unknown_field" // a key that the format does not have
	CodeDuplicateKey = "duplicate_key" // a key that its mapping already has
	CodeMissingField = "missing_field" // a required key is missing
	CodeWrongType    = "wrong_type"    // a value of another type, such as a number instead of a string
	CodeBadValue     = "bad_value"     // the right type, but not a possible value
	CodeConflict     = "conflict"      // two keys that exclude each other
	CodeNotSupported = "not_supported" // part of the format, not of this release

	CodeConfigNotText   = "config_not_text"     // bytes, where configType is string
	CodeConfigNotObject = "config_not_object"   // no JSON object, where configType is struct
	CodeKubernetes      = "kubernetes_manifest" // a document of Kubernetes, and no spec
	// CodeForeignUnsupported is for a field of another system's document that cannot be obeyed.
	CodeForeignUnsupported = "foreign_unsupported"
	CodeForeignIgnored     = "foreign_ignored" // a note: a field of another system's document without effect
	CodeTypedConfig        = "typed_config"    // a note: a block of Envoy's own configuration, with @type
	CodeLoosePattern       = "loose_pattern"   // a note: a regular expression for part of a name
)
