package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// makeKey makes an apikey, which is good at once at all replicas.
func (w *writer) makeKey(ctx context.Context) {
	name := w.next("key")
	var made struct {
		ID          int64
		Name, Token string
	}
	k := &call{method: http.MethodPost, path: apikeyPath, token: w.admin, in: object{"name": name}, out: &made}
	if w.send(ctx, k) != answered {
		return
	}
	if made.Name != name || made.Token == "" {
		w.find("the apikey %s is answered as %d %s", name, made.ID, made.Name)
		return
	}
	one := &apikey{id: made.ID, name: name, token: "Bearer " + made.Token}
	w.keys = append(w.keys, one)
	w.ledger.note("apikey made", func() {
		w.ledger.keys = append(w.ledger.keys, one)
		w.ledger.secrets = append(w.ledger.secrets, made.Token)
		w.ledger.expect("apikey.created", made.ID)
	})
	var who struct{ Username string }
	if w.send(ctx, &call{method: http.MethodGet, path: whoPath, token: one.token, out: &who}) == answered &&
		who.Username != name {
		w.find("the apikey %s is %s", name, who.Username)
	}
}

// endKey deletes an apikey. From a while later on it is good nowhere.
func (w *writer) endKey(ctx context.Context) {
	if len(w.keys) == 0 {
		return
	}
	one := w.keys[0]
	w.keys = w.keys[1:]
	w.ledger.note("", func() { one.unsure = true })
	path := fmt.Sprintf("%s/%d", apikeyPath, one.id)
	if w.send(ctx, &call{method: http.MethodDelete, path: path, token: w.admin}) != answered {
		return
	}
	w.ledger.note("apikey deleted", func() {
		one.unsure, one.ended = false, time.Now()
		w.ledger.expect("apikey.deleted", one.id)
	})
}

// saveDevice changes the writer's device in the vault, which the first change makes.
func (w *writer) saveDevice(ctx context.Context) {
	if w.device == nil {
		w.device = &device{hostname: fmt.Sprintf("device-%d", w.number)}
		w.ledger.note("", func() { w.ledger.devices = append(w.ledger.devices, w.device) })
	}
	w.made++
	fields := object{"hostname": w.device.hostname, "ip": fmt.Sprintf("10.%d.%d.%d", w.number, w.made>>8&255, w.made&255)}
	in := object{
		"model": "model", "type": "Server", "vendor": "vendor", "site": fmt.Sprint("site ", w.made%7), "device_tags": "faults",
	}
	for name, value := range fields {
		in[name] = value
	}
	sent := change{at: time.Now(), fields: fields}
	var read struct{ Device object }
	switch got := w.send(ctx, &call{
		method: http.MethodPost, path: devicePath, token: w.vaultToken(), in: in, out: &read,
	}); {
	case got == answered && !agrees(read.Device, fields):
		w.find("the device %v is answered as %v", fields, read.Device)
	case got == answered:
		w.ledger.note("device", func() { w.device.id = fmt.Sprint(read.Device["id"]); w.device.settle(sent) })
	default:
		w.ledger.note("", func() { w.device.maybe = append(w.device.maybe, sent) })
	}
	if w.device.last != nil && w.dice.IntN(2) == 0 {
		w.lookAtDevice(ctx)
	}
}

func (w *writer) lookAtDevice(ctx context.Context) {
	var read struct{ Device object }
	w.device.path = devicePath + "/" + w.device.id
	k := &call{method: http.MethodGet, path: w.device.path, token: w.vaultToken(), out: &read}
	if w.send(ctx, k) != answered {
		return
	}
	if err := w.device.explain(read.Device); err != nil {
		w.find("%v", err)
	}
}

// changeServer makes an OpenVPN server, and changes and looks at it.
func (w *writer) changeServer(ctx context.Context) {
	w.made++
	fields := object{"description": fmt.Sprint("change ", w.made), "port": float64(1000 + w.made%50000)}
	if w.server != nil && w.dice.IntN(20) == 0 {
		w.endServer(ctx)
		return
	}
	if w.server != nil {
		w.put(ctx, "instance", w.server, fields)
		w.look(ctx, w.server)
		return
	}
	in := object{
		"ca_id": w.authorities[0].id, "name": w.next("server"), "network": fmt.Sprintf("10.%d.%d.0/24", 50+w.number, w.made%250), // of each attempt another one
		"remotes": []string{"vpn.example.com"},
	}
	for name, value := range fields {
		in[name] = value
	}
	var made object
	k := &call{
		method: http.MethodPost, path: instancePath, token: w.admin, key: in["name"].(string), in: in, out: &made,
	}
	if w.insist(ctx, k) == answered {
		w.server = w.keep(fmt.Sprintf("%s/%.0f", instancePath, made["id"]), fields)
	}
}

// endServer deletes the OpenVPN server. Then it is not there any more, at any replica.
func (w *writer) endServer(ctx context.Context) {
	one := w.server
	w.server = nil
	got := w.send(ctx, &call{method: http.MethodDelete, path: one.path, token: w.admin})
	if got != answered {
		w.ledger.note("", func() { one.left = true })
		return
	}
	w.ledger.note("instance deleted", func() { one.ended = true })
	w.lookFor(ctx, one)
}

// lookFor checks that a record that was deleted is gone.
func (w *writer) lookFor(ctx context.Context, one *register) {
	r := w.replica()
	k := &call{method: http.MethodGet, path: one.path, token: w.admin}
	if got := w.ask(ctx, r, k); got == answered || got == denied && k.status != http.StatusNotFound {
		w.unexpected(r, k)
	}
}

// keep begins to keep a record.
func (w *writer) keep(path string, fields object) *register {
	r := &register{path: path, last: fields}
	w.ledger.note("instance", func() { w.ledger.records = append(w.ledger.records, r) })
	return r
}

// changeConfig gives a site of the central instance other LANs. When the site is no longer well
// known, another one takes its place.
func (w *writer) changeConfig(ctx context.Context) {
	w.made++
	lans := []any{fmt.Sprintf("10.%d.%d.0/24", 100+w.number, w.made%100), fmt.Sprintf("10.%d.%d.0/24", 100+w.number, 100+w.made%100)}
	if w.config == nil {
		w.config = &register{path: w.tunnelSite(w.number), last: object{"configured": false}}
		w.ledger.note("", func() { w.ledger.records = append(w.ledger.records, w.config) })
	}
	fields := object{"iroutes": lans}
	if w.put(ctx, "config", w.config, fields); w.dice.IntN(2) == 0 {
		w.look(ctx, w.config)
	}
}

// tunnelSite is the path of the config of the site that a writer has at the central instance.
func (c *campaign) tunnelSite(number int) string {
	return strings.Join([]string{clientPath, fmt.Sprint(c.tunnelSites[number]), "configs", fmt.Sprint(c.central)}, "/")
}
