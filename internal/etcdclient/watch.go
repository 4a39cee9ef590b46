package etcdclient

import (
	"context"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Watch watches a key until ctx ends, and does not wait for etcd. The library's Watch waits for the
// answer of a member, which never comes while etcd is away. A member without a leader ends the
// watch, so the caller asks another member. The channel is closed at the end.
func Watch(ctx context.Context, client *clientv3.Client, key string, options ...clientv3.OpOption) <-chan clientv3.WatchResponse {
	ctx = clientv3.WithRequireLeader(ctx)
	answers := make(chan clientv3.WatchResponse)
	go func() {
		defer close(answers)
		for answer := range client.Watch(ctx, key, options...) {
			select {
			case answers <- answer:
			case <-ctx.Done():
				return
			}
		}
	}()
	return answers
}
