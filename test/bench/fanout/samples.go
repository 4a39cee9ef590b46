package fanout

// samples are the figures of a server over all runs.
type samples struct {
	connectWall, connectCPU, connectIn []float64
	rss, goroutines                    []float64
	off, on                            edits
}

type edits struct{ wall, cpu, in, out []float64 }
