//go:build ignore

// The program walks through both dialects with clients that oapi-codegen has generated of the
// documents. It leaves the files that it gets in the folder FOLDER. What goes wrong is on standard
// error, and the code is 1.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	api "github.com/chaveiro/chaveiro/openapi/witness/oapi-codegen/api"
	pam "github.com/chaveiro/chaveiro/openapi/witness/oapi-codegen/pam"
)

func main() {
	ctx := context.Background()
	client, err := api.NewClientWithResponses(
		os.Getenv("CHAVEIRO_URL")+"/api", api.WithRequestEditorFn(bearer(os.Getenv("CHAVEIRO_TOKEN"))),
	)
	if err == nil {
		err = walk(ctx, client)
	}
	if err == nil {
		err = walkVault(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func bearer(token string) func(context.Context, *http.Request) error {
	return func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+token)
		return nil
	}
}

func walk(ctx context.Context, client *api.ClientWithResponses) error {
	ca, err := client.CreateCaWithResponse(ctx, nil, api.CaCreate{Name: "ca-matriz", Email: "ca@example.com"})
	if err != nil || ca.JSON200 == nil {
		return failed("the CA", ca, err)
	}
	id, err := createClients(ctx, client, ca.JSON200.Id)
	if err != nil {
		return err
	}
	if err := list(ctx, client); err != nil {
		return err
	}
	if err := download(ctx, client, ca.JSON200.Id, id); err != nil {
		return err
	}
	if err := connect(ctx, client, ca.JSON200.Id, id); err != nil {
		return err
	}
	return importDevices(ctx, client)
}

// createClients makes two clients, one of them twice, which is a conflict. It returns the id of the
// first.
func createClients(ctx context.Context, client *api.ClientWithResponses, ca int64) (int64, error) {
	body := api.ClientSite2SiteCreate{CaId: ca, Name: "site-rio", Email: "rio@example.com"}
	made, err := client.CreateClientSite2SiteWithResponse(ctx, nil, body)
	if err != nil || made.JSON200 == nil {
		return 0, failed("a client", made, err)
	}
	if made.JSON200.Name != "site-rio" || made.JSON200.ExpiryDate.Before(made.JSON200.CreatedAt) {
		return 0, fmt.Errorf("made %+v", made.JSON200)
	}
	again, err := client.CreateClientSite2SiteWithResponse(ctx, nil, body)
	if err != nil || again.JSON409 == nil || len(again.JSON409.Errors) != 1 {
		return 0, failed("the same client again", again, err)
	}
	if fault := again.JSON409.Errors[0]; fault.Field != "name" || fault.Type != api.FieldErrorTypeDuplicated {
		return 0, fmt.Errorf("the conflict is %+v", fault)
	}
	body.Name = "site-sul"
	other, err := client.CreateClientSite2SiteWithResponse(ctx, nil, body)
	if err != nil || other.JSON200 == nil {
		return 0, failed("another client", other, err)
	}
	return made.JSON200.Id, nil
}

// list reads the clients, one a page.
func list(ctx context.Context, client *api.ClientWithResponses) error {
	var names []string
	parameters := api.GetClientsSite2SitePageParams{Size: new(api.PageSize(1)), Status: new(api.Valid)}
	for range 3 {
		page, err := client.GetClientsSite2SitePageWithResponse(ctx, &parameters)
		if err != nil || page.JSON200 == nil {
			return failed("a page", page, err)
		}
		for _, one := range page.JSON200.Clients {
			names = append(names, one.Name)
		}
		if parameters.Cursor = page.JSON200.Cursor.Next; parameters.Cursor == nil {
			break
		}
	}
	if got := strings.Join(names, " "); got != "site-rio site-sul" {
		return fmt.Errorf("the pages have %q", got)
	}
	return nil
}

func download(ctx context.Context, client *api.ClientWithResponses, ca, id int64) error {
	file, err := client.CreateClientSite2SitePkcs12WithResponse(
		ctx, id, nil, api.Pkcs12Request{Password: os.Getenv("PASSWORD")},
	)
	if err != nil || file.StatusCode() != http.StatusOK {
		return failed("the PKCS#12 file", file, err)
	}
	crl, err := client.GetCaCrlWithResponse(ctx, ca, nil)
	if err != nil || crl.StatusCode() != http.StatusOK {
		return failed("the CRL", crl, err)
	}
	return errors.Join(keep("client.p12", file.Body), keep("crl.pem", crl.Body))
}

// connect makes an OpenVPN server of a model of its own, and the client a site of it.
func connect(ctx context.Context, client *api.ClientWithResponses, ca, id int64) error {
	template := "port {{.Port}}\nproto {{.Proto}}\n"
	model, err := client.CreateInstanceModelWithResponse(
		ctx, nil, api.InstanceModelCreate{Name: "curto", Template: template},
	)
	if err != nil || model.JSON200 == nil || model.JSON200.Template != template {
		return failed("the model", model, err)
	}
	instance, err := client.CreateInstanceWithResponse(ctx, nil, api.InstanceCreate{
		CaId: ca, Name: "vpn-matriz", Network: "10.8.0.0/24", Remotes: &[]string{"vpn.example.com"},
		ModelId: &model.JSON200.Id,
	})
	if err != nil || instance.JSON200 == nil {
		return failed("the instance", instance, err)
	}
	if channel := instance.JSON200.ControlChannel; channel != api.InstanceControlChannelTlsCryptV2 {
		return fmt.Errorf("the control channel is %s", channel)
	}
	config, err := client.UpdateClientSite2SiteConfigWithResponse(
		ctx, id, instance.JSON200.Id, nil, api.ClientSite2SiteConfigUpdate{Iroutes: &[]string{"10.1.0.0/24"}},
	)
	if err != nil || config.JSON200 == nil || config.JSON200.StaticIp != "10.8.0.2" {
		return failed("the config", config, err)
	}
	profile, err := client.GetClientSite2SiteProfileWithResponse(
		ctx, id, &api.GetClientSite2SiteProfileParams{InstanceId: &instance.JSON200.Id},
	)
	if err != nil || profile.StatusCode() != http.StatusOK {
		return failed("the profile", profile, err)
	}
	return keep("site-rio.ovpn", profile.Body)
}

func keep(name string, content []byte) error {
	return os.WriteFile(filepath.Join(os.Getenv("FOLDER"), name), content, 0o600)
}

// importDevices imports a file with a faulty row: all or none, then what is good.
func importDevices(ctx context.Context, client *api.ClientWithResponses) error {
	file, err := os.ReadFile(os.Getenv("DEVICES"))
	if err != nil {
		return err
	}
	all, err := client.ImportPamDevicesWithBodyWithResponse(ctx, nil, "text/csv", bytes.NewReader(file))
	if err != nil || all.JSON409 == nil || all.JSON409.Errors[0].Field != "rows[3].ip" {
		return failed("the import of all", all, err)
	}
	good, err := client.ImportPamDevicesWithBodyWithResponse(
		ctx, &api.ImportPamDevicesParams{Atomic: new(false)}, "text/csv", bytes.NewReader(file),
	)
	if err != nil || good.JSON200 == nil {
		return failed("the import", good, err)
	}
	if good.JSON200.Created != 2 || len(good.JSON200.Errors) != 1 || good.JSON200.Errors[0].Row != 3 {
		return fmt.Errorf("the import: %+v", good.JSON200)
	}
	return nil
}

func walkVault(ctx context.Context) error {
	server := os.Getenv("CHAVEIRO_URL") + "/iso"
	client, err := pam.NewClientWithResponses(server)
	if err != nil {
		return err
	}
	grant := pam.TokenRequest{
		GrantType: pam.ClientCredentials, ClientId: new(os.Getenv("CLIENT_ID")), ClientSecret: new(os.Getenv("CLIENT_SECRET")),
	}
	token, err := client.CreateTokenWithFormdataBodyWithResponse(ctx, grant)
	if err != nil || token.JSON200 == nil {
		return failed("the token", token, err)
	}
	enter := pam.RequestEditorFn(bearer(token.JSON200.AccessToken))
	device := pam.DeviceUpsert{
		Hostname: "roteador", Ip: "192.0.2.9", Model: "RB5009", Type: "Router", Vendor: "MikroTik", Site: "Rio",
	}
	made, err := client.UpsertDeviceWithResponse(ctx, nil, device, enter)
	if err != nil || made.JSON201 == nil || made.JSON201.Device.Hostname != "roteador" {
		return failed("the device", made, err)
	}
	device.Ip = ""
	wrong, err := client.UpsertDeviceWithResponse(ctx, nil, device, enter)
	if err != nil || wrong.JSON400 == nil || wrong.JSON400.Exception == nil || wrong.JSON400.Exception.Code != 1005 {
		return failed("a device without an address", wrong, err)
	}
	all, err := client.ListDevicesWithResponse(ctx, enter)
	if err != nil || all.JSON200 == nil || len(all.JSON200.Devices) != 3 {
		return failed("the devices", all, err)
	}
	return nil
}

// failed says what was done and what the answer was.
func failed(what string, answer interface{ StatusCode() int }, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%s: %d", what, answer.StatusCode())
}
