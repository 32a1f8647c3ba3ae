package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// maxLossLines is the greatest number of problems of an accepted loss that a checkpoint names. The
// hash covers all of them.
const maxLossLines = 1000

// AcceptedLoss is what an operator has accepted as lost: everything that was missing at that time,
// including what was accepted before.
type AcceptedLoss struct {
	Number   int64     // of the checkpoint that accepts it
	At       time.Time // when it was accepted
	Hash     string    // hexadecimal, of all lines
	Reason   string
	Count    int      // the number of problems
	Problems []string // the first of them, in alphabetical order
	Ends     []string // the ends that were mended
}

// storedLoss is the form in which a checkpoint stores an accepted loss.
type storedLoss struct {
	Hash     string   `json:"hash"`
	Reason   string   `json:"reason"`
	Count    int      `json:"count"`
	Problems []string `json:"problems"`
	Ends     []string `json:"ends"`
}

// acceptedBy returns the loss that a checkpoint accepts.
func acceptedBy(c domain.Checkpoint) AcceptedLoss {
	var stored storedLoss
	_ = json.Unmarshal([]byte(c.Loss), &stored) // it is signed: the service wrote it
	return AcceptedLoss{c.Number, c.At, stored.Hash, stored.Reason, stored.Count, stored.Problems, stored.Ends}
}

// lossHash is the SHA-256 of the sorted lines of a loss.
func lossHash(problems, ends []string) [32]byte {
	return sha256.Sum256([]byte(strings.Join(problems, "\n") + "\n\n" + strings.Join(ends, "\n")))
}

// beginsAnew reports whether the chains begin at a checkpoint, and not where the checkpoints before
// it have left them.
func beginsAnew(c domain.Checkpoint) bool { return c.Base || c.Loss != "" }

// parts splits the checkpoints at those that accept a loss: each part but the first begins with
// one. What precedes such a checkpoint does not change any more, so every check finds the same
// losses in it.
func (s *Trail) parts(checkpoints []domain.Checkpoint) [][]domain.Checkpoint {
	var parts [][]domain.Checkpoint
	from := 0
	for i, c := range checkpoints {
		if c.Loss != "" && s.Notary.Signed(c) {
			parts, from = append(parts, checkpoints[from:i]), i
		}
	}
	return append(parts, checkpoints[from:])
}

// verifyEarlier checks all parts but the last. What is missing from them and was accepted is not a
// problem.
func (s *Trail) verifyEarlier(ctx context.Context, parts [][]domain.Checkpoint, report *Report) error {
	if len(parts) == 1 {
		return nil
	}
	for i, next := range parts[1:] {
		last := signedLast{number: next[0].Number - 1, hash: next[0].Previous}
		if err := s.verifyPart(ctx, parts[i], next[0].Links, last, report); err != nil {
			return err
		}
		report.Accepted = append(report.Accepted, acceptedBy(next[0]))
	}
	starts, _ := s.trusted(parts[0], &Report{})
	if err := s.verifyOutside(ctx, starts, report); err != nil {
		return err
	}
	slices.Sort(report.Problems)
	report.Problems = report.Accepted[len(report.Accepted)-1].beyond(report.Problems)
	return nil
}

// beyond returns which of the sorted problems were not accepted.
func (l AcceptedLoss) beyond(problems []string) []string {
	hash := lossHash(problems, l.Ends)
	if hex.EncodeToString(hash[:]) == l.Hash {
		return nil
	}
	return without(problems, l.Problems)
}

// verifyPart checks what precedes the acceptance of a loss: the chains up to the links where they
// continue, and the checkpoints up to a number.
func (s *Trail) verifyPart(
	ctx context.Context, part []domain.Checkpoint, ends []domain.Link, last signedLast, report *Report,
) error {
	starts, signed := s.trusted(part, report)
	for _, end := range ends {
		if err := s.verifyChain(ctx, starts[end.Chain], end, signed[end.Chain], report); err != nil {
			return err
		}
	}
	s.verifyNumbers(part, last, report)
	return nil
}

// without returns the lines that are not among the known ones. A line that occurs more often than
// among the known ones is returned for each further occurrence.
func without(lines, known []string) (rest []string) {
	times := map[string]int{}
	for _, line := range known {
		times[line]++
	}
	for _, line := range lines {
		if times[line]--; times[line] < 0 {
			rest = append(rest, line)
		}
	}
	return rest
}
