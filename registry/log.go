package registry

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"samara/registry/journal"
	"samara/verify"
)

// Log returns the last entries of the journal, the newest first: all of them for
// the zero Reference, those that concern a repository for a tag, those that
// concern a version for a digest. Limit 0 means DefaultLimit; there are at most
// MaxLimit.
func (s *Store) Log(ctx context.Context, ref Reference, limit int) ([]journal.Entry, error) {
	if limit <= 0 {
		limit = DefaultLimit
	}
	limit = min(limit, MaxLimit)
	var last []journal.Entry
	err := s.journal.Read(0, func(e journal.Entry) error {
		if ref.IsZero() || concerns(e, ref) {
			last = append(last, e)
		}
		if len(last) == 2*limit {
			last = append(last[:0], last[limit:]...)
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	last = last[max(0, len(last)-limit):]
	slices.Reverse(last)
	return last, nil
}

// concerns reports whether an entry is about what ref names.
func concerns(e journal.Entry, ref Reference) bool {
	var d struct {
		Reference Reference `json:"reference"`
		removed
		Previous verify.Digest `json:"previous"`
		Versions []removed     `json:"versions"`
	}
	if err := json.Unmarshal(e.Data, &d); err != nil {
		return false // not of the registry
	}
	all := append(d.Versions, d.removed, removed{Version: d.Previous, Repos: []string{d.Reference.Repo()}})
	return slices.ContainsFunc(all, func(v removed) bool {
		if ref.IsDigest() {
			return !v.Version.IsZero() && (v.Version == ref.Digest || ref.DigestPrefix != "" && strings.HasPrefix(v.Version.Hex(), ref.DigestPrefix))
		}
		return slices.ContainsFunc(v.Repos, func(repo string) bool { return strings.EqualFold(repo, ref.Repo()) })
	})
}
