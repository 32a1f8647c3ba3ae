package pam

import (
	"strconv"
	"strings"

	gen "github.com/chaveiro/chaveiro/gen/pam"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// The texts of success.
const (
	textCreated     = "Device successfully registered!"
	textUpdated     = "Device updated successfully!"
	textDeactivated = "Device successfully deactivated"
	textActivated   = "Device successfully activated"
)

// detailDisabled tells people why a device that was stored is not in the list.
const detailDisabled = "The device is disabled, and stays so until it is activated"

// succeeded is the response part of an answer, in both languages.
func succeeded(status int, message string) gen.ResponseInfo {
	return gen.ResponseInfo{Status: status, Message: message, Mensagem: message}
}

// failed is the response part of an error.
func failed(status, errorCode int, message string) gen.ResponseInfo {
	return gen.ResponseInfo{
		Status: status, Message: message, Mensagem: message, Error: true, Erro: true, ErrorCode: errorCode,
		CodErro: errorCode,
	}
}

// tagSeparator is that of the vendor's own examples: the answer to a creation has a comma alone,
// all others have a comma and a space.
type tagSeparator string

const (
	tagsCreated tagSeparator = ","
	tagsOther   tagSeparator = ", "
)

// convertDevice writes a device as the dialect does: every value a text.
func convertDevice(d domain.Device, tags tagSeparator) gen.Device {
	return gen.Device{
		ID: strconv.FormatInt(d.ID, 10), Hostname: d.Hostname, IP: d.IP, Model: d.Model, Type: d.Type, Vendor: d.Vendor,
		Site:         d.Site,
		DeviceDomain: strings.Join(d.Domains, ","), Connectivities: domain.FormatConnectivities(d.Connectivities),
		SessionRemoteConfig: domain.FormatRemote(d.Remote), DeviceTags: strings.Join(d.Tags, string(tags)),
	}
}

func convertItem(d domain.Device) gen.DeviceItem {
	return gen.DeviceItem{
		ID: strconv.FormatInt(d.ID, 10), Hostname: d.Hostname, IP: d.IP, Model: d.Model, Type: d.Type, Vendor: d.Vendor,
		Site: d.Site,
		Tags: strings.Join(d.Tags, string(tagsOther)),
	}
}
