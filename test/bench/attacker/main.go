// Attacker attacks the ports of a server on loopback, for the benchmark of test/bench/attack and
// for tests. The attacker is a process of its own, as an attacker on another machine would be.
//
// Attacker prints "ready" when the attack is under way, and "finished" if the attack ends by
// itself. At the end of its standard input, attacker stops and prints its counts as JSON. -n bounds
// the connections at a time.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "attacker:", err)
		os.Exit(1)
	}
}

func attacks() map[string]func(context.Context, *attack) {
	return map[string]func(context.Context, *attack){
		"slowloris":   slowloris,
		"idle":        idle,
		"rapid-reset": rapidReset,
		"big-node":    bigNode,
		"names":       manyNames,
		"reconnects":  reconnects,
		"half-sent":   halfSent,
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	a := &attack{}
	flags := flag.NewFlagSet("attacker", flag.ContinueOnError)
	kind := flags.String("kind", "", "the attack")
	from := flags.String("from", "127.0.0.2", "the address to connect from")
	flags.StringVar(&a.xds, "xds", "", "host:port of xDS")
	flags.StringVar(&a.modules, "modules", "", "host:port of the modules")
	flags.StringVar(&a.admin, "admin", "", "host:port of the API")
	flags.StringVar(&a.filter, "filter", "", "a filter with a spec")
	flags.IntVar(&a.n, "n", 4, "connections at a time")
	flags.Int64Var(&a.most, "most", 0, "reconnects, names: how many in all; 0: no end")
	nice := flags.Int("nice", 0, "the niceness of the process")
	if err := flags.Parse(args); err != nil {
		return err
	}
	do, ok := attacks()[*kind]
	if !ok {
		return fmt.Errorf("no attack %q", *kind)
	}
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, 0, *nice); err != nil {
		return err
	}
	a.dialer = net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(*from)}, Timeout: 5 * time.Second}
	a.ready = func() { a.inSwing.Do(func() { fmt.Fprintln(out, "ready") }) }
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() {
		do(ctx, a)
		a.ready()
		fmt.Fprintln(out, "finished")
	})
	_, err := io.Copy(io.Discard, in)
	cancel()
	ended.Wait()
	total := counts{Opened: a.opened.Load(), Refused: a.refused.Load(), Streams: a.streams.Load(), Names: a.names.Load()}
	if encodeErr := json.NewEncoder(out).Encode(total); err == nil {
		err = encodeErr
	}
	return err
}
