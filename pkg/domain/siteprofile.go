package domain

import (
	"slices"
	"time"
)

// ProfileState is whether the profile that a site has is what the service would make now.
type ProfileState string

// The states.
const (
	ProfileCurrent ProfileState = "current"
	ProfileStale   ProfileState = "stale"
	ProfileLinked  ProfileState = "linked" // stale, and there is an open link by which the site gets another
	ProfileNever   ProfileState = "never"  // the site never had one
)

// ProfileStates lists every ProfileState.
func ProfileStates() []ProfileState {
	return []ProfileState{ProfileCurrent, ProfileStale, ProfileLinked, ProfileNever}
}

// Known reports whether there is such a state.
func (s ProfileState) Known() bool { return slices.Contains(ProfileStates(), s) }

// Progress counts the sites of an instance that are in force, by their profiles.
type Progress struct {
	Current, Stale, Linked, Never int
}

// Sites is how many sites there are.
func (p Progress) Sites() int { return p.Current + p.Stale + p.Linked + p.Never }

// Behind is how many sites have a profile that is not current.
func (p Progress) Behind() int { return p.Stale + p.Linked }

// FetchedProfile is which profile a site has got.
type FetchedProfile struct {
	Version  int64 // of the instance
	Revision int64 // of the config
	Format   string
	At       time.Time
}

// SiteProfile is the state of the profile of a site.
type SiteProfile struct {
	ClientID  int64
	Kind      ClientKind
	Name      string
	State     ProfileState
	Version   int64     // of the instance when the profile was fetched; 0: never
	FetchedAt time.Time // zero: never
	Format    string    // of the profile; empty: never, or not known

	// Overlaps says whether a profile of the same format has all that works before the campaign
	// ends and after it; nil: no campaign runs, or the format is not known. The use case fills it
	// in.
	Overlaps *bool

	// The newest open link; LinkID is 0 where there is none.
	LinkID        int64
	LinkCreatedAt time.Time
	LinkExpiresAt time.Time
}

// SiteProfileFilter selects sites of an instance that are in force at the time At.
type SiteProfileFilter struct {
	InstanceID int64
	State      ProfileState // empty: all
	At         time.Time
}
