package docs

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"sync"
	"time"
)

// files includes the licences: a binary that distributes the bundle distributes them with it.
//
//go:embed index.html *.js docs.css
//go:embed swagger/LICENSE swagger/NOTICE swagger/*.css swagger/*.js swagger/*.png swagger/*.txt
var files embed.FS

// mediaTypes are set here and not taken from the system, which may lack one: the page runs under
// nosniff. Other files are text.
var mediaTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".png":  "image/png",
}

// asset is a file as it is served, plain and compressed. Its version is the beginning of its
// SHA-256 sum.
type asset struct {
	name, mediaType, version string
	plain                    []byte
	compressed               func() []byte
}

// loadAssets returns the embedded files by their paths below [Path], without the page, which is a
// template.
func loadAssets() map[string]*asset {
	assets := map[string]*asset{}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || name == "index.html" {
			return err
		}
		content, err := files.ReadFile(name)
		assets[name] = newAsset(name, content)
		return err
	})
	if err != nil {
		panic(err) // the files are in the binary
	}
	return assets
}

// newAsset returns an asset that is compressed on the first request for it, because most runs of a
// server never serve the page.
func newAsset(name string, content []byte) *asset {
	mediaType, ok := mediaTypes[path.Ext(name)]
	if !ok {
		mediaType = "text/plain; charset=utf-8"
	}
	sum := sha256.Sum256(content)
	return &asset{
		name: name, mediaType: mediaType, version: hex.EncodeToString(sum[:8]), plain: content,
		compressed: sync.OnceValue(func() []byte { return compress(content) }),
	}
}

// ServeHTTP answers in the encoding that the client accepts. An asset that is requested with its
// version may be cached forever; otherwise the client may keep it, but has to revalidate it every
// time.
func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.mediaType)
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == a.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("Etag", `"`+a.version+`"`)
	body := a.plain
	if takesGzip(r.Header.Values("Accept-Encoding")) && len(a.compressed()) < len(a.plain) {
		h.Set("Etag", `"`+a.version+`-gzip"`)
		h.Set("Content-Encoding", "gzip")
		body = a.compressed()
	}
	http.ServeContent(w, r, a.name, time.Time{}, bytes.NewReader(body))
}

// compress returns content in gzip format (RFC 1952).
func compress(content []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(content) // writing to a buffer can't fail
	_ = w.Close()
	return out.Bytes()
}
