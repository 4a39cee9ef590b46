package peer

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// mostTold bounds a message about GETs, in bytes.
const mostTold = 1 << 20

type peerKey struct{}

// IsPeer says whether a request, which has passed [Handler], has the key of a peer.
func IsPeer(r *http.Request) bool {
	is, _ := r.Context().Value(peerKey{}).(bool)
	return is
}

// Handler answers the questions of peers, which have the key, and passes other requests on. Without
// the key, there are no answers: next gets the request.
func Handler(key string, own Own, next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+root+"replica", func(w http.ResponseWriter, _ *http.Request) { write(w, own.Replica()) })
	mux.HandleFunc("GET "+root+"filter", func(w http.ResponseWriter, r *http.Request) {
		f, known := own.Filter(r.URL.Query().Get("name"))
		if !known {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		write(w, f)
	})
	mux.HandleFunc("GET "+root+"filters", func(w http.ResponseWriter, r *http.Request) {
		all := own.Filters()
		for i := range all {
			if all[i].Condition == "" {
				all[i].Summarize()
			}
			if r.URL.Query().Get("subscribers") == "none" {
				all[i].Subscribers = nil
			}
		}
		write(w, all)
	})
	mux.HandleFunc("POST "+root+"gets", func(w http.ResponseWriter, r *http.Request) {
		var all []Get
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, mostTold)).Decode(&all); err != nil {
			http.Error(w, "no list of GETs", http.StatusBadRequest)
			return
		}
		own.Took(all)
		w.WriteHeader(http.StatusNoContent)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !hasKey(r, key) {
			next.ServeHTTP(w, r)
			return
		}
		if strings.HasPrefix(r.URL.Path, root) {
			control := http.NewResponseController(w)
			_ = control.SetReadDeadline(time.Now().Add(patience)) // a recorder in a test has no deadlines
			_ = control.SetWriteDeadline(time.Now().Add(2 * patience))
			mux.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), peerKey{}, true)))
	})
}

func write(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_ = json.NewEncoder(w).Encode(value) // the peer has gone
}
