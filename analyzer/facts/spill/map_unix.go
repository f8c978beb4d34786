//go:build unix

package spill

import (
	"os"
	"syscall"
)

// mapFile maps a part of a file for reading. What is written to the file later is seen.
func mapFile(f *os.File, at int64, size int) ([]byte, error) {
	return syscall.Mmap(int(f.Fd()), at, size, syscall.PROT_READ, syscall.MAP_SHARED)
}

func unmap(segment []byte) error { return syscall.Munmap(segment) }
