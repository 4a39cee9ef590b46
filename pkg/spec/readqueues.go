package spec

import (
	"fmt"
	"strconv"
)

// maxTicks bounds the ticks of a step.
const maxTicks = 1000

// readQueues reads messages by queue: one message, or a list of messages.
func readQueues(d *decoder, path string, v *node) []TestQueue {
	if !d.is(path, v, kindMap) {
		return nil
	}
	queues, seen := []TestQueue{}, map[string]bool{}
	for _, e := range v.entries {
		name, ok := d.filled("a queue in "+path, e.key)
		if !ok {
			continue
		}
		if seen[name] {
			d.failf(CodeDuplicateKey, e.key, "%s has %s twice", path, brief(name))
		}
		seen[name] = true
		messages := readBody(d, path+"."+brief(name), e.value)
		queues = append(queues, TestQueue{Name: name, Messages: messages})
	}
	return queues
}

func readQueueNames(d *decoder, path string, v *node) []string {
	if !d.is(path, v, kindList) {
		return nil
	}
	var names []string
	for i, item := range v.items {
		if name, ok := d.filled(fmt.Sprintf("%s[%d]", path, i), item); ok {
			names = append(names, name)
		}
	}
	return names
}

func readTicks(d *decoder, path string, v *node) int {
	if !d.is(path, v, kindNumber) {
		return 0
	}
	ticks, err := strconv.Atoi(v.text)
	if err != nil || ticks < 1 || ticks > maxTicks {
		d.failf(CodeBadValue, v, "%s must be a whole number from 1 to %d, not %s", path, maxTicks, brief(v.text))
		return 0
	}
	return ticks
}
