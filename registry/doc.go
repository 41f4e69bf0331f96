// Package registry keeps names, versions and transfers over the blobs of one
// data folder.
//
// What happened is in the journal; the index (Badger) is a projection of it that
// answers queries and can be made again from journal, manifests, torrents and
// blobs ([Rebuild]). So every change is, in this order: files synced under
// manifests/ and torrents/, one journal entry, blob records in batches, one small
// transaction that makes the change visible. A crash between two of these steps
// is finished by the next [Open].
//
//	store, err := registry.Open(ctx, dir, registry.Options{Socket: socket})
//	entry, err := store.AddVersion(ctx, registry.NewVersion{Manifest: m, Reference: ref})
//	entry, err = store.Lookup(ctx, ref)
//
// The blobs of a version are committed through [Store.Blobs] before AddVersion.
// One process at a time holds a folder. The methods of Store may be called from
// several goroutines; values that it returns are shared and not to be changed.
package registry
