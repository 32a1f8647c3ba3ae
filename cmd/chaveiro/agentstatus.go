package main

import (
	"errors"

	"github.com/chaveiro/chaveiro/pkg/agent"
	"github.com/chaveiro/chaveiro/pkg/app"
)

type agentStatus struct {
	agentPlaces
	form
}

// agentRecord is the status of an instance.
type agentRecord struct {
	InstanceID  int64            `json:"instance_id" table:"INSTANCE"`
	Unit        string           `json:"unit" table:"UNIT"`
	Dir         string           `json:"dir"`
	ConfirmedAt stamp            `json:"confirmed_at" table:"CONFIRMED"`
	ListEnds    stamp            `json:"list_ends" table:"LIST ENDS"`
	Lists       []agentListState `json:"lists"`
	Pending     int              `json:"pending" table:"PENDING"`
	Reload      string           `json:"reload" table:"RELOAD"`
	Faults      texts            `json:"faults" table:"FAULTS"`
}

type agentListState struct {
	CA         string `json:"ca"`
	Number     string `json:"number"`
	ThisUpdate stamp  `json:"this_update"`
	NextUpdate stamp  `json:"next_update"`
	Entries    int    `json:"entries"`
}

// Run shows the status. It is an error when something is wrong.
func (c *agentStatus) Run() error {
	places, err := c.places()
	if err != nil {
		return err
	}
	var faulty error
	var all []agent.Status
	for _, one := range places {
		s, err := agent.StatusOf(one.id, one.dir, app.Now())
		if err != nil {
			return err
		}
		if len(s.Faults) > 0 {
			faulty = errors.New("something is wrong with an instance")
		}
		all = append(all, s)
	}
	return errors.Join(printAll(c.form, all, agentRecordOf), faulty)
}

func agentRecordOf(s agent.Status) agentRecord {
	r := agentRecord{
		InstanceID: s.InstanceID, Unit: s.Unit, Dir: s.Dir, ConfirmedAt: stamp(s.ConfirmedAt), Pending: s.Pending,
		Reload: s.Reload.String(), Faults: append(texts{}, s.Faults...), Lists: []agentListState{},
	}
	for k, l := range s.Lists {
		r.Lists = append(r.Lists, agentListState{l.CA, l.Number, stamp(l.ThisUpdate), stamp(l.NextUpdate), l.Entries})
		if k == 0 || l.NextUpdate.Before(s.Lists[0].NextUpdate) {
			r.ListEnds = stamp(l.NextUpdate)
		}
	}
	return r
}
