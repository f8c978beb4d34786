//go:build linux || darwin

package source

import "syscall"

// freeBytes gives the space on the disk of dir that this user may fill; -1 if that is unknown.
func freeBytes(dir string) int64 {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return -1
	}
	return int64(s.Bavail) * int64(s.Bsize) //nolint:unconvert // other systems have other types
}
