package main

import (
	"github.com/chaveiro/chaveiro/pkg/domain"
)

type campaignRecord struct {
	ID             int64  `json:"id" table:"ID"`
	InstanceID     int64  `json:"instance_id"`
	FromVersion    int64  `json:"from_version"`
	Version        int64  `json:"version" table:"VERSION"`
	Changes        texts  `json:"changes" table:"CHANGES"`
	Remotes        texts  `json:"remotes"`
	Port           int    `json:"port"`
	Proto          string `json:"proto"`
	ControlChannel string `json:"control_channel"`
	Running        bool   `json:"running" table:"RUNNING"`
	StartedAt      stamp  `json:"started_at" table:"STARTED"`
	EndedAt        stamp  `json:"ended_at"`
	Forced         bool   `json:"forced"`
	Sites          int    `json:"sites" table:"SITES"`
	Current        int    `json:"current" table:"CURRENT"`
	Stale          int    `json:"stale" table:"STALE"`
	Linked         int    `json:"linked" table:"LINKED"`
	Never          int    `json:"never" table:"NEVER"`
}

func campaignRecordOf(c domain.CampaignProgress) campaignRecord {
	changes, remotes := texts{}, texts{}
	for _, one := range c.Changes {
		changes = append(changes, string(one))
	}
	for _, one := range c.Before.Remotes {
		remotes = append(remotes, one.String())
	}
	return campaignRecord{
		ID: c.ID, InstanceID: c.InstanceID, FromVersion: c.FromVersion, Version: c.Version, Changes: changes,
		Remotes: remotes, Port: c.Before.Port, Proto: string(c.Before.Proto), ControlChannel: string(c.Before.Control),
		Running: c.Running(), StartedAt: stamp(c.StartedAt), EndedAt: stamp(c.EndedAt), Forced: c.Forced,
		Sites: c.Progress.Sites(), Current: c.Progress.Current, Stale: c.Progress.Stale, Linked: c.Progress.Linked,
		Never: c.Progress.Never,
	}
}

type siteProfileRecord struct {
	ClientID           int64               `json:"client_id" table:"ID"`
	Kind               string              `json:"kind"`
	Client             string              `json:"client" table:"CLIENT"`
	State              domain.ProfileState `json:"state" table:"STATE"`
	ProfileVersion     int64               `json:"profile_version" table:"VERSION"`
	ProfileFetchedAt   stamp               `json:"profile_fetched_at" table:"FETCHED"`
	ProfileFormat      string              `json:"profile_format" table:"FORMAT"`
	Overlaps           *bool               `json:"overlaps" table:"OVERLAPS"`
	EnrolmentID        *int64              `json:"enrolment_id" table:"LINK"`
	EnrolmentCreatedAt stamp               `json:"enrolment_created_at"`
	EnrolmentExpiresAt stamp               `json:"enrolment_expires_at"`
}

func siteProfileRecordOf(s domain.SiteProfile) siteProfileRecord {
	return siteProfileRecord{
		ClientID: s.ClientID, Kind: s.Kind.String(), Client: s.Name, State: s.State, ProfileVersion: s.Version,
		ProfileFetchedAt: stamp(s.FetchedAt), ProfileFormat: s.Format, Overlaps: s.Overlaps,
		EnrolmentID: optional(s.LinkID), EnrolmentCreatedAt: stamp(s.LinkCreatedAt),
		EnrolmentExpiresAt: stamp(s.LinkExpiresAt),
	}
}
