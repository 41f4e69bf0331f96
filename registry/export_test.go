package registry

import "samara/verify"

// Dump returns all records of the index.
func (s *Store) Dump() (map[string]string, error) {
	records := map[string]string{}
	err := s.index.view(func(t tx) error {
		keys, err := t.keys("")
		if err != nil {
			return err
		}
		for _, key := range keys {
			item, err := t.t.Get([]byte(key))
			if err != nil {
				return err
			}
			if err := item.Value(func(b []byte) error { records[key] = string(b); return nil }); err != nil {
				return err
			}
		}
		return nil
	})
	return records, err
}

// PutBlobRecords stores many blob records.
func (s *Store) PutBlobRecords(records map[verify.Digest]BlobFacts) error {
	return s.putBlobRecords(records)
}

// AppendOnly writes a journal entry that the index does not get, as a crash
// between the two does.
func (s *Store) AppendOnly(ref Reference, version verify.Digest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behind = true
	_, err := s.journal.Append(opTagMoved, "test", tagChanged{Reference: ref, Version: version})
	return err
}
