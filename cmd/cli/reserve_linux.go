package cli

import (
	"os"
	"syscall"
)

// untouched gives back the memory behind a list of zeros, which the runtime may have written. It is still zeros, and may still be used.
func untouched(b []byte) {
	page := os.Getpagesize()
	whole := len(b) / page * page
	if whole > 0 {
		_ = syscall.Madvise(b[:whole], syscall.MADV_DONTNEED) // refused, it takes memory: no harm but that
	}
}
