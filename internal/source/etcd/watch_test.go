package etcd

import (
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

func event(kind mvccpb.Event_EventType, revision int64) *clientv3.Event {
	return &clientv3.Event{Type: kind, Kv: &mvccpb.KeyValue{ModRevision: revision}}
}

func TestJudge(t *testing.T) {
	put, gone := event(clientv3.EventTypePut, 7), event(clientv3.EventTypeDelete, 8)
	for name, test := range map[string]struct {
		answer clientv3.WatchResponse
		closed bool
		want   change
		event  *clientv3.Event
	}{
		"created":               {answer: clientv3.WatchResponse{Created: true}, want: nothing},
		"progress":              {answer: clientv3.WatchResponse{Header: &pb.ResponseHeader{Revision: 9}}, want: nothing},
		"a new head":            {answer: clientv3.WatchResponse{Events: []*clientv3.Event{put}}, want: newHead, event: put},
		"gone and back":         {answer: clientv3.WatchResponse{Events: []*clientv3.Event{gone, put}}, want: newHead, event: put},
		"gone":                  {answer: clientv3.WatchResponse{Events: []*clientv3.Event{put, gone}}, want: lookNow, event: gone},
		"compacted":             {answer: clientv3.WatchResponse{Canceled: true, CompactRevision: 5}, want: lookNow},
		"no leader":             {answer: clientv3.WatchResponse{Canceled: true}, want: lookNow},
		"closed by the library": {closed: true, want: lookNow},
	} {
		got, e := judge(test.answer, !test.closed)
		if got != test.want || e != test.event {
			t.Errorf("%s: %v, %v", name, got, e)
		}
	}
}

// After a restore from a backup, etcd may be at an earlier revision than the watch.
func TestCovers(t *testing.T) {
	open := make(chan clientv3.WatchResponse)
	for _, test := range []struct {
		w        watch
		revision int64
		want     bool
	}{
		{watch{}, 10, false},
		{watch{answers: open, from: 11}, 10, true},
		{watch{answers: open, from: 11}, 50, true},
		{watch{answers: open, from: 11}, 9, false},
	} {
		if got := test.w.covers(test.revision); got != test.want {
			t.Errorf("from %d, at %d: %v", test.w.from, test.revision, got)
		}
	}
}
