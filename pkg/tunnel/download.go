package tunnel

import (
	"archive/zip"
	"bytes"
	"time"

	"github.com/chaveiro/chaveiro/pkg/openvpn/kits"
)

// Download is a file that somebody gets.
type Download struct {
	Name      string
	MediaType string
	Content   []byte
}

// archiveTime is the time of every file of an archive, so that the same files give the same
// archive.
var archiveTime = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// download is a kit as one file: its only one, or a zip of all.
func download(kit kits.Kit) (Download, error) {
	if len(kit.Files) == 1 {
		only := kit.Files[0]
		return Download{only.Name, only.MediaType, only.Content}, nil
	}
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	for _, file := range kit.Files {
		header := zip.FileHeader{Name: file.Name, Method: zip.Deflate, Modified: archiveTime}
		header.SetMode(0o600)
		part, err := w.CreateHeader(&header)
		if err != nil {
			return Download{}, err
		}
		if _, err := part.Write(file.Content); err != nil {
			return Download{}, err
		}
	}
	err := w.Close()
	return Download{kit.Base + ".zip", "application/zip", archive.Bytes()}, err
}
