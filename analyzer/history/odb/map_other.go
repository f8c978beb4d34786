//go:build !unix

package odb

import (
	"io"
	"os"
)

// mapFile reads a whole file where there is no mapping: slower, and in anonymous memory.
func mapFile(f *os.File) ([]byte, func() error, error) {
	data, err := io.ReadAll(f)
	return data, func() error { return nil }, err
}
