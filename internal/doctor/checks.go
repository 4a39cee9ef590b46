package doctor

// check looks at the configuration.
func (e *exam) check() {
	e.checkFiles()
	e.checkSources()
	e.checkClusters()
	for _, f := range e.ours {
		e.checkTypes(f)
		e.checkDefault(f)
		e.checkOrder(f)
	}
	e.checkNames()
	e.checkNode()
	e.checkBoot()
	checkServices(e)
	statsExam{e}.check()
}
