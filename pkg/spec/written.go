package spec

// written returns the text of a configuration that is no block.
func written(d *decoder, path string, n *node, as ConfigType) *string {
	switch n.kind {
	case kindInvalid, kindNull:
		return nil
	case kindString:
		return encoded(d, path, n, as, n.text)
	}
	w := jsonWriter{problems: d.problems, path: path, good: true, doubles: as == ConfigStruct}
	w.write(n)
	if !w.good {
		return nil
	}
	return encoded(d, path, n, as, w.String())
}

// encoded returns the text as the module gets it.
func encoded(d *decoder, path string, n *node, as ConfigType, text string) *string {
	config, err := as.Encode(text)
	if err != nil {
		d.fail(ConfigError(err, path, path+"Type", n.pos))
		return nil
	}
	return &config
}
