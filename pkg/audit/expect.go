package audit

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// ExpectedCheckpoint is a checkpoint that was seen outside the database.
type ExpectedCheckpoint struct {
	Number int64 // 0: unknown
	Hash   [32]byte
}

var errNoCheckpoint = errors.New(
	"no checkpoint is in it: neither 64 hexadecimal digits nor a line of a log with the message " + CheckpointMessage,
)

// ParseExpected reads checkpoints from a log with one JSON object per line, or one checkpoint from
// a text that is its hash in hexadecimal digits.
func ParseExpected(text io.Reader) ([]ExpectedCheckpoint, error) {
	lines := bufio.NewReader(text)
	var all []ExpectedCheckpoint
	for {
		line, err := lines.ReadBytes('\n')
		if one, ok := parseExpected(bytes.TrimSpace(line)); ok {
			all = append(all, one)
		}
		switch {
		case errors.Is(err, io.EOF) && len(all) == 0:
			return nil, errNoCheckpoint
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, err
		}
	}
}

func parseExpected(line []byte) (ExpectedCheckpoint, bool) {
	if hash, ok := parseHash(string(line)); ok {
		return ExpectedCheckpoint{Hash: hash}, true
	}
	if !bytes.Contains(line, []byte(CheckpointMessage)) {
		return ExpectedCheckpoint{}, false
	}
	var entry struct {
		Message string `json:"msg"`
		Number  int64  `json:"number"`
		Hash    string `json:"hash"`
	}
	if json.Unmarshal(line, &entry) != nil || entry.Message != CheckpointMessage {
		return ExpectedCheckpoint{}, false
	}
	hash, ok := parseHash(entry.Hash)
	return ExpectedCheckpoint{Number: entry.Number, Hash: hash}, ok
}

func parseHash(text string) (hash [32]byte, ok bool) {
	decoded, err := hex.DecodeString(text)
	if err != nil || len(decoded) != len(hash) {
		return hash, false
	}
	return [32]byte(decoded), true
}

// verifyExpected looks for the expected checkpoints. Those from before the last prune, and those
// whose loss was accepted, can't be found any more. They are a problem only when none of the
// expected checkpoints is found.
func (s *Trail) verifyExpected(checkpoints []domain.Checkpoint, expected []ExpectedCheckpoint, report *Report) {
	there, first, last := hashesOf(checkpoints)
	found, pruned, lost := 0, 0, 0
	for _, e := range expected {
		switch {
		case there[e.Hash]:
			found++
		case e.Number > 0 && e.Number < first:
			pruned++
		case e.Number > 0 && s.acceptedAsLost(checkpoints, e.Number):
			lost++
		case e.Number > last:
			report.problem(
				"the database was set back: its last checkpoint is %d, and checkpoint %d (%x) is expected", last,
				e.Number, e.Hash,
			)
		case e.Number > 0:
			report.problem(
				"the database has another history: its checkpoint %d is not the one that is expected (%x)", e.Number,
				e.Hash,
			)
		default:
			report.problem(
				"the database was set back, or has another history, or was pruned since: it has no checkpoint %x",
				e.Hash,
			)
		}
	}
	if found == 0 && lost > 0 {
		report.problem("what is expected is among the checkpoints whose loss was accepted: take a newer one")
	}
	if found == 0 && pruned > 0 {
		report.problem(
			"what is expected is older than the last prune, which has removed it: take a newer checkpoint than %d",
			first-1,
		)
	}
}

// acceptedAsLost reports whether no checkpoint has this number, and a later one accepts a loss.
func (s *Trail) acceptedAsLost(checkpoints []domain.Checkpoint, number int64) bool {
	accepted := false
	for _, c := range checkpoints {
		if c.Number == number {
			return false
		}
		accepted = accepted || c.Loss != "" && c.Number > number && s.Notary.Signed(c)
	}
	return accepted
}

// hashesOf returns the hashes of the numbered checkpoints, and of the one before them, which a
// prune has removed, with the first and the last number.
func hashesOf(checkpoints []domain.Checkpoint) (there map[[32]byte]bool, first, last int64) {
	there = map[[32]byte]bool{}
	for _, c := range checkpoints {
		if c.Number == 0 {
			continue
		}
		if first == 0 {
			first = c.Number
			there[c.Previous] = c.Number > 1
		}
		last = c.Number
		there[auth.CheckpointHash(c)] = true
		if c.Loss != "" {
			there[c.Previous] = true // the last checkpoint before the loss, whether it is there or not
		}
	}
	return there, first, last
}

// verifyNumbers checks that no checkpoint is missing between the first and the one that was signed
// last. The first is number 1, or a base, since a prune has removed those before it, or a
// checkpoint that accepts a loss.
func (s *Trail) verifyNumbers(checkpoints []domain.Checkpoint, last signedLast, report *Report) {
	older, numbered := unnumbered(checkpoints)
	next, before := int64(1), older
	for i, c := range numbered {
		good := s.Notary.Signed(c)
		switch {
		case i == 0 && beginsAnew(c) && good: // the numbers begin here
		case c.Number > next:
			report.problem("checkpoints %d to %d are missing", next, c.Number-1)
		case c.Number < next:
			report.problem("checkpoint %d is there twice", c.Number)
		case good && before != nil && !before[c.Previous]:
			report.problem("checkpoint %d does not follow the one before it", c.Number)
		}
		if good && c.Number == last.number && auth.CheckpointHash(c) != last.hash {
			report.problem("checkpoint %d is not the one that was signed", c.Number)
		}
		next, before = c.Number+1, nil
		if good {
			before = map[[32]byte]bool{auth.CheckpointHash(c): true}
		}
	}
	if next <= last.number {
		report.problem("checkpoints %d to %d are missing", next, last.number)
	}
}

// unnumbered splits off the checkpoints of an earlier version. Of those nothing shows which are
// missing, except for the last. It returns the hashes that checkpoint 1 may follow: that of any of
// them, or none. A replica of the earlier version may add one after the one that checkpoint 1
// follows.
func unnumbered(checkpoints []domain.Checkpoint) (older map[[32]byte]bool, numbered []domain.Checkpoint) {
	older = map[[32]byte]bool{{}: true}
	for i, c := range checkpoints {
		if c.Number != 0 {
			return older, checkpoints[i:]
		}
		older[auth.CheckpointHash(c)] = true
	}
	return older, nil
}
