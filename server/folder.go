package server

import (
	"fmt"
	"io"
	"io/fs"
	"os"
)

// openFolder opens somebody's folder of pages. Links in it that lead out of it
// do not work, whoever has put them there.
func openFolder(dir string) (fs.FS, io.Closer, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("--public: %w", err)
	}
	return root.FS(), root, nil
}
