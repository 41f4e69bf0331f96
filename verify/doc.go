// Package verify turns bytes from strangers into bytes that are proven.
//
// A file is named by its [Digest], the BLAKE3-256 that b3sum prints. A
// [Manifest] lists the files of one version in canonical bytes and is itself
// named by the digest of those bytes. A [Tree] holds the BLAKE3 chaining value
// of every 16 KiB group of one file, so that any range can be checked by itself
// and one file can be hashed on every core:
//
//	tree, err := verify.HashFile(ctx, f, size, runtime.NumCPU())
//	digest, err := tree.Root()
//
// [Check] finds the ranges of a file that are not what its tree says, and
// [NewReader] passes a stream on and fails before its end where the stream is
// not what its digest says. [CheckPath] and [CheckPaths] say which names a
// stranger may give to files.
//
// The package imports nothing of the project and does no I/O of its own beyond
// the readers it is handed.
package verify
