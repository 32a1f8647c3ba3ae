package audit_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestRecorder_Tells: a change is logged once it is stored, with only the fields that have changed.
func TestRecorder_Tells(t *testing.T) {
	t.Parallel()
	log := &LockedBuffer{}
	w := WorldOn(t, NewSQLite(t), slog.NewJSONHandler(log, nil))
	lines := func() (n int) { return strings.Count(log.String(), `"msg":"changed"`) }
	ca := w.NewCA(t)
	domains := *w.DeviceDomains
	one := Must(domains.Create(Operator(t), domain.DeviceDomain{Name: "corp.example.com", ShortName: "CORP"}))(t)
	WantSame(t, lines(), 2)
	Must(w.CAs.Update(Operator(t), ca.ID, domain.CAUpdate{RecordUpdate: domain.RecordUpdate{Description: new("")}}))(t)
	Must(domains.Update(Operator(t), one.ID, domain.DeviceDomainUpdate{ShortName: new("CORP")}))(t)
	WantSame(t, []int{lines(), w.CountEvents(t)}, []int{2, 2})
	domains.Store = &Hooked{Store: w.Store, AfterTransact: func() error { return errors.New("the disk is full") }}
	_, err := domains.Update(Operator(t), one.ID, domain.DeviceDomainUpdate{ShortName: new("OTHER")})
	if err == nil || lines() != 2 || w.CountEvents(t) != 2 {
		t.Errorf("error is %v, the log has %d changes", err, lines())
	}
	domains.Store = w.Store
	Must(domains.Update(Operator(t), one.ID, domain.DeviceDomainUpdate{ShortName: new("OTHER")}))(t)
	want := `"action":"update","resource":"` + string(domain.ScopeDomains) +
		`","id":1,"name":"corp.example.com","principal":{"kind":"command","id":0,"name":"operator"}`
	if lines() != 3 || !strings.Contains(log.String(), want) {
		t.Errorf("no %s in %s", want, log.String())
	}
}
