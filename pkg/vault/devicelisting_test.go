package vault

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestIDList: the ids come out as they were added, in chunks of the requested size.
func TestIDList(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		want := rapid.SliceOfNDistinct(rapid.Int64Range(1, 1<<53-1), 0, 50, func(id int64) int64 { return id }).
			Draw(rt, "ids")
		slices.Sort(want)
		var list idList
		for _, id := range want {
			list.add(id)
		}
		n := rapid.IntRange(1, 20).Draw(rt, "chunk")
		var got []int64
		_ = list.chunks(n, func(ids []int64) error {
			if len(ids) != min(n, len(want)-len(got)) {
				rt.Fatalf("a chunk of %d", len(ids))
			}
			got = append(got, ids...)
			return nil
		})
		if !slices.Equal(got, want) || list.count != len(want) {
			rt.Fatalf("%v, not %v", got, want)
		}
	})
}
