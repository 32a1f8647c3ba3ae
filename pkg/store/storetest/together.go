package storetest

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// together runs fn in n goroutines that begin at once, and returns what they returned in the order
// of their numbers.
func together[T any](t *testing.T, n int, fn func(i int) (T, error)) ([]T, []error) {
	t.Helper()
	values, faults := make([]T, n), make([]error, n)
	begin := make(chan struct{})
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			<-begin
			values[i], faults[i] = fn(i)
		})
	}
	close(begin)
	group.Wait()
	return values, faults
}

func checkAll(t *testing.T, faults []error) {
	t.Helper()
	for _, err := range faults {
		check(t, err)
	}
}

func testConcurrency(t *testing.T, s domain.Store) {
	t.Run("of many who create one name one wins and the others are told", func(t *testing.T) { testOneName(t, s) })
	t.Run("of many who delete and use a CA one wins", func(t *testing.T) { testDeleteRace(t, s) })
	t.Run("of many who delete and give a role one wins", func(t *testing.T) { testRoleRace(t, s) })
	t.Run(
		"advancing gives every caller an epoch of its own, without gaps", func(t *testing.T) { testAdvanceRace(t, s) },
	)
	t.Run("a CRL number is published once, and numbers never fall", func(t *testing.T) { testPublishRace(t, s) })
	t.Run("a locked row loses no update", func(t *testing.T) { testLocks(t, s) })
	t.Run("all who ask for a secret get the same", func(t *testing.T) {
		secrets, faults := together(t, 8, func(i int) (string, error) {
			sealed, err := s.Secrets().GetOrCreate(t.Context(), "contested", []byte{byte(i)})
			return string(sealed), err
		})
		checkAll(t, faults)
		if slices.Sort(secrets); secrets[0] != secrets[7] || len(secrets[0]) != 1 {
			t.Errorf("the secrets are %q", secrets)
		}
	})
}

func testOneName(t *testing.T, s domain.Store) {
	authority := newCA(t, s)
	name := fresh("client")
	ids, faults := together(t, 16, func(int) (int64, error) {
		c := sampleClient(authority.ID, name)
		err := s.Clients().Create(t.Context(), &c)
		return c.ID, err
	})
	winners := 0
	for i, err := range faults {
		if err == nil {
			winners++
			wantSame(t, must(s.Clients().Get(t.Context(), ids[i]))(t).Name, name)
			continue
		}
		wantFault(t, err, domain.Duplicated, "name", domain.ReasonDuplicated)
	}
	wantSame(t, winners, 1)
}

// testDeleteRace: whatever the order, there is never a client without its CA.
func testDeleteRace(t *testing.T, s domain.Store) {
	for range 10 {
		authority := newCA(t, s)
		_, faults := together(t, 2, func(i int) (int64, error) {
			if i == 0 {
				return 0, s.CAs().Delete(t.Context(), authority.ID)
			}
			c := sampleClient(authority.ID, fresh("client"))
			return c.ID, s.Clients().Create(t.Context(), &c)
		})
		switch {
		case faults[0] == nil:
			wantFault(t, faults[1], domain.NotFound, "ca_id", domain.ReasonNotFound)
		default:
			wantFault(t, faults[0], domain.Rule, "id", domain.ReasonCAInUse)
			check(t, faults[1])
		}
	}
}

// testRoleRace: whatever the order, nobody has a role that is gone.
func testRoleRace(t *testing.T, s domain.Store) {
	for range 10 {
		role := newRole(t, s)
		k := sampleAPIKey(role)
		_, faults := together(t, 2, func(i int) (struct{}, error) {
			if i == 0 {
				return struct{}{}, s.Roles().Delete(t.Context(), role.ID)
			}
			return struct{}{}, s.APIKeys().Create(t.Context(), &k)
		})
		switch {
		case faults[0] == nil:
			wantFault(t, faults[1], domain.NotFound, "roles", domain.ReasonNotFound)
		default:
			wantFault(t, faults[0], domain.Rule, "id", domain.ReasonRoleInUse)
			check(t, faults[1])
		}
	}
}

func testAdvanceRace(t *testing.T, s domain.Store) {
	for _, inTransaction := range []bool{false, true} {
		c := newCA(t, s)
		epochs, faults := together(t, 16, func(int) (epoch int64, err error) {
			if !inTransaction {
				return s.Revocations().Advance(t.Context(), c.ID)
			}
			err = s.Transact(t.Context(), func(tx domain.Store) error {
				epoch, err = tx.Revocations().Advance(t.Context(), c.ID)
				return err
			})
			return epoch, err
		})
		checkAll(t, faults)
		slices.Sort(epochs)
		want := make([]int64, 16)
		for i := range want {
			want[i] = int64(i + 1)
		}
		wantSame(t, epochs, want)
	}
}

func testPublishRace(t *testing.T, s domain.Store) {
	c := newCA(t, s)
	for number := int64(1); number <= 10; number++ {
		published, faults := together(
			t, 8, func(int) (bool, error) { return s.CRLs().Publish(t.Context(), sampleCRL(c.ID, number)) },
		)
		checkAll(t, faults)
		wantSame(t, slices.Index(published, true) >= 0, true)
		wantSame(t, len(slices.DeleteFunc(published, func(p bool) bool { return !p })), 1)
		wantSame(t, must(s.CRLs().LastNumber(t.Context(), c.ID))(t), number)
		for old := range number {
			wantSame(t, must(s.CRLs().Publish(t.Context(), sampleCRL(c.ID, old+1)))(t), false)
		}
	}
	testPublishLadder(t, s)
}

// testPublishLadder lets replicas climb as fast as they can; each number is one replica's, and none
// is left out.
func testPublishLadder(t *testing.T, s domain.Store) {
	c := newCA(t, s)
	const rungs = 40
	mine, faults := together(t, 4, func(int) (numbers []int64, err error) {
		for last := int64(0); last < rungs; {
			if last, err = s.CRLs().LastNumber(t.Context(), c.ID); err != nil {
				return nil, err
			}
			if len(numbers) > 0 && last < numbers[len(numbers)-1] {
				return nil, fmt.Errorf("the number fell to %d after %d", last, numbers[len(numbers)-1])
			}
			published, err := s.CRLs().Publish(t.Context(), sampleCRL(c.ID, last+1))
			if err != nil {
				return nil, err
			}
			if published {
				numbers = append(numbers, last+1)
			}
		}
		return numbers, nil
	})
	checkAll(t, faults)
	all := slices.Sorted(slices.Values(slices.Concat(mine...)))
	for i, number := range all {
		if number != int64(i+1) {
			t.Fatalf("the numbers are %v", all)
		}
	}
	latest, _, err := s.CRLs().Latest(t.Context(), c.ID)
	check(t, err)
	wantSame(t, latest.Number, int64(len(all)))
}

// testLocks counts in the description of one row.
func testLocks(t *testing.T, s domain.Store) {
	const workers, rounds = 8, 20
	authority := newCA(t, s)
	client := newClient(t, s, authority.ID)
	increment := func(description *string) error {
		n, err := strconv.Atoi(*description)
		*description = strconv.Itoa(n + 1)
		return err
	}
	client.Description, authority.Description = "0", "0"
	check(t, s.Clients().Update(t.Context(), client))
	check(t, s.CAs().Update(t.Context(), authority))
	_, faults := together(t, workers, func(int) (struct{}, error) {
		for range rounds {
			err := s.Transact(t.Context(), func(tx domain.Store) error {
				c, err := tx.Clients().Lock(t.Context(), client.ID)
				if err == nil {
					err = increment(&c.Description)
				}
				if err != nil {
					return err
				}
				return tx.Clients().Update(t.Context(), c)
			})
			if err == nil {
				err = s.Transact(t.Context(), func(tx domain.Store) error {
					c, err := tx.CAs().Lock(t.Context(), authority.ID)
					if err == nil {
						err = increment(&c.Description)
					}
					if err != nil {
						return err
					}
					return tx.CAs().Update(t.Context(), c)
				})
			}
			if err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, nil
	})
	checkAll(t, faults)
	wantSame(t, must(s.Clients().Get(t.Context(), client.ID))(t).Description, strconv.Itoa(workers*rounds))
	wantSame(t, must(s.CAs().Get(t.Context(), authority.ID))(t).Description, strconv.Itoa(workers*rounds))
}
