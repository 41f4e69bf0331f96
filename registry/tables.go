package registry

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/table"
)

// checkTables opens the tables of the index in dir as Badger does, but where a
// panic can be caught: Badger opens them in goroutines of its own, in which a
// table that was cut short ends the process.
func checkTables(dir string) error {
	paths, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		if err := checkTable(path); err != nil {
			return err
		}
	}
	return nil
}

func checkTable(path string) (err error) {
	data, err := os.ReadFile(path) // a few MiB, as openBadger has them
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("open %s: its end is not that of a table", path)
		}
	}()
	_, err = table.OpenInMemoryTable(data, 0, &table.Options{Compression: options.Snappy, BlockSize: 4 << 10})
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	return nil
}
