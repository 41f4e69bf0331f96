package daemon

import (
	"context"

	"samara/magnets"
	"samara/magnets/swarm"
	"samara/registry"
	"samara/web"
	"samara/web/client"
)

// view is the API's form of a transfer: its record and, where the swarm has its
// torrent, what happens there now. Files and pieces only with detail.
func (f *fetcher) view(ctx context.Context, rec registry.Transfer, detail bool) (web.Transfer, error) {
	v := web.Transfer{
		Id:         rec.ID,
		State:      rec.State,
		Reason:     rec.Reason,
		BytesDone:  rec.BytesDone,
		BytesTotal: rec.BytesTotal,
		BytesHere:  rec.BytesHere,
		Link:       rec.Link,
		Infohash:   rec.InfoHash.String(),
		Reference:  rec.Reference.String(),
		Only:       rec.Only,
		Added:      rec.Added,
		Finished:   rec.Finished,
	}
	if link, err := magnets.Parse(rec.Link); err == nil {
		v.Name, v.Warnings = link.Name, link.Warnings
	}
	if !rec.Version.IsZero() {
		v.Version = rec.Version.String()
	}
	if rec.Error != "" {
		v.Error = client.NewError("add", rec.ErrorCode, rec.Error).WithHint(rec.Hint)
	}
	facts, err := f.factsOf(ctx, rec)
	if err != nil {
		return v, err
	}
	if facts.known {
		v.Name, v.FirstSeen, v.PiecesTotal = facts.name, facts.firstSeen, facts.pieces
	}
	torrent := f.torrentOf(rec)
	if torrent != nil {
		addStats(&v, torrent.Stats(), detail)
	}
	if detail && facts.known {
		info, err := f.infoOf(ctx, rec)
		if err != nil {
			return v, err
		}
		v.Files = transferFiles(info, rec, torrent)
	}
	return v, nil
}

// torrentFacts are what a list shows of an info dictionary, which may be large.
type torrentFacts struct {
	known     bool
	name      string
	firstSeen bool
	pieces    int
}

// factsOf returns the facts of a transfer's torrent, not known as long as
// nobody has sent it.
func (f *fetcher) factsOf(ctx context.Context, rec registry.Transfer) (torrentFacts, error) {
	f.mu.Lock()
	facts, ok := f.facts[rec.InfoHash]
	f.mu.Unlock()
	if ok {
		return facts, nil
	}
	info, err := f.infoOf(ctx, rec)
	if err != nil || info == nil {
		return torrentFacts{}, err
	}
	facts = torrentFacts{known: true, name: info.Name, firstSeen: !info.HasBlake3, pieces: info.Pieces}
	f.mu.Lock()
	f.facts[rec.InfoHash] = facts
	f.mu.Unlock()
	return facts, nil
}

// infoOf returns the info dictionary of a transfer, nil where nobody has sent
// it yet.
func (f *fetcher) infoOf(ctx context.Context, rec registry.Transfer) (*magnets.Info, error) {
	if t := f.task(rec.ID); t != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.info != nil {
			return t.info, nil
		}
	}
	raw, _, _, err := f.store.Torrent(ctx, rec.InfoHash)
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return magnets.ParseInfo(raw)
}

// torrentOf returns the swarm's torrent of a transfer, nil where it has none.
func (f *fetcher) torrentOf(rec registry.Transfer) *swarm.Torrent {
	if t := f.task(rec.ID); t != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		return t.torrent
	}
	if rec.State == registry.StateReady {
		return f.seeds.get(rec.InfoHash)
	}
	return nil
}

func addStats(v *web.Transfer, s swarm.Stats, detail bool) {
	v.Peers, v.Seeds = s.Peers, s.Seeds
	v.UpRate, v.Uploaded = s.UpRate, s.Uploaded
	v.PiecesDone = s.PiecesDone
	if v.State != registry.StateReady {
		v.DownRate, v.Wasted = s.DownRate, s.Wasted
	}
	if v.State == registry.StateFetching && s.State != swarm.StateResolved {
		v.BytesDone, v.BytesTotal = s.BytesDone, s.BytesTotal
		if s.DownRate > 0 {
			v.EtaSeconds = float64(s.BytesTotal-s.BytesDone) / s.DownRate
		}
	}
	if detail {
		v.Have = s.Have
	}
}

// transferFiles lists the files of a transfer and how much of each is there.
func transferFiles(info *magnets.Info, rec registry.Transfer, torrent *swarm.Torrent) []web.TransferFile {
	var states []swarm.FileState
	if torrent != nil {
		states = torrent.Files()
	}
	var files []web.TransferFile
	for i, file := range info.Files {
		if file.Pad {
			continue
		}
		tf := web.TransferFile{Path: file.Path, Size: file.Size, Skip: !matches(rec.Only, file.Path)}
		switch {
		case rec.State == registry.StateReady && !tf.Skip:
			tf.BytesDone = file.Size
		case i < len(states):
			tf.BytesDone = states[i].Done
		}
		files = append(files, tf)
	}
	return files
}
