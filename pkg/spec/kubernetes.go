package spec

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"
)

// kubernetesError returns the single error for a Kubernetes manifest, or nil for a document that is
// no manifest. Decoded as a spec, each field of a manifest would be an error.
// See docs/RATIONALE.md#why-is-a-kubernetes-manifest-among-specs-a-single-error.
func kubernetesError(file string, root *node) *Error {
	kind, apiVersion := scalarAt(root, "kind"), scalarAt(root, "apiVersion")
	if kind == "" && kustomization(file) && scalarAt(root, "module") == "" {
		kind = "Kustomization"
	}
	if kind == "" || apiVersion == APIVersion || apiVersion == "" && kind != "Kustomization" {
		return nil
	}
	message := fmt.Sprintf("this is a Kubernetes manifest of the kind %s, and no spec", brief(kind))
	return &Error{Code: CodeKubernetes, Message: message, Hint: kubernetesHint(kind), Pos: root.pos}
}

func kubernetesHint(kind string) string {
	switch kind {
	case "ConfigMap", "Secret":
		return "move it out of this directory; a spec itself may be in a ConfigMap that is mounted here"
	default:
		return "move it out of this directory: every .yaml and .yml file in it is a spec; the manifests that are read as specs: " + strings.Join(ForeignKinds(), ", ")
	}
}

// kustomization reports whether a file has a name that kustomize looks for. This file may lack a
// kind.
func kustomization(file string) bool {
	name := path.Base(filepath.ToSlash(file))
	return strings.EqualFold(name, "kustomization.yaml") || strings.EqualFold(name, "kustomization.yml")
}
