//go:build !unix

package spill

import (
	"errors"
	"os"
)

// mapFile says that there is no mapping: facts stay in memory.
func mapFile(*os.File, int64, int) ([]byte, error) { return nil, errors.ErrUnsupported }

func unmap([]byte) error { return nil }
