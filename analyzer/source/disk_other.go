//go:build !linux && !darwin

package source

// freeBytes gives the space on the disk of dir that this user may fill; -1 if that is unknown.
func freeBytes(string) int64 { return -1 }
