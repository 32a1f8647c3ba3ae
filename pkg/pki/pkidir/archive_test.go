package pkidir_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki/pkidir"
)

// entry is a file of an archive; mode 0 is a regular one.
type entry struct {
	name, text string
	mode       fs.FileMode
	flags      uint16
}

func zipped(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	for _, e := range entries {
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Flags: e.flags}
		header.SetMode(e.mode | 0o600)
		file, err := archive.CreateHeader(header)
		if err == nil {
			_, err = io.WriteString(file, e.text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func tarred(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	archive := tar.NewWriter(packed)
	for _, e := range entries {
		header := &tar.Header{Name: e.name, Mode: 0o600, Size: int64(len(e.text)), Typeflag: tar.TypeReg}
		switch {
		case e.mode&fs.ModeSymlink != 0:
			header.Typeflag, header.Linkname, header.Size, e.text = tar.TypeSymlink, e.text, 0, ""
		case e.mode&fs.ModeIrregular != 0:
			header.Typeflag, header.Linkname, header.Size, e.text = tar.TypeLink, e.text, 0, ""
		case e.mode.IsDir():
			header.Typeflag = tar.TypeDir
		}
		if err := archive.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(archive, e.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// packers are the two kinds of archive.
var packers = map[string]func(testing.TB, ...entry) []byte{"zip": zipped, "tar.gz": tarred}

// TestArchive: the same is found in an archive as in the directory, at its top and below, and in
// one of loose files.
func TestArchive(t *testing.T) {
	t.Parallel()
	files := version3()
	want, err := pkidir.EasyRSA(tree(files))
	if err != nil {
		t.Fatal(err)
	}
	for kind, pack := range packers {
		for _, root := range []string{"", "pki/", "./", "data/easy-rsa/pki/"} {
			var entries []entry
			for name, text := range files {
				entries = append(entries, entry{name: root + name, text: text})
			}
			if root == "pki/" {
				entries = append([]entry{{name: "pki/", mode: fs.ModeDir}}, entries...)
			}
			found, err := pkidir.Archive(pack(t, entries...))
			if err != nil || len(found.Faults) > 0 {
				t.Fatalf("%s %q: %v %+v", kind, root, err, found.Faults)
			}
			clean := strings.TrimPrefix(root, "./")
			for _, list := range []*[]domain.ForeignPart{&found.Certificates, &found.Keys, &found.Bundles} {
				for i := range *list {
					(*list)[i].Path = strings.TrimPrefix((*list)[i].Path, clean)
				}
			}
			if diff := cmp.Diff(parts(t, want.Certificates), parts(t, found.Certificates)); diff != "" {
				t.Errorf("%s %q: %s", kind, root, diff)
			}
			if diff := cmp.Diff(want.Keys, found.Keys); diff != "" || len(found.Index) != 1 || len(found.Bundles) != 1 {
				t.Errorf("%s %q: %s", kind, root, diff)
			}
		}
		found, err := pkidir.Archive(pack(t, entry{name: `a\b.p12`, text: "0x"}, entry{name: "c.PFX", text: "0y"},
			entry{name: "d/e.txt", text: cert("one") + key("one")}, entry{name: "__MACOSX/._b.p12", text: "z"}))
		if err != nil || len(found.Bundles) != 2 || len(found.Certificates) != 1 || len(found.Keys) != 1 ||
			found.CA != nil {
			t.Errorf("%s: %+v (%v)", kind, found, err)
		}
	}
}

// TestArchive_Refused: what can't be trusted is refused as a whole.
func TestArchive_Refused(t *testing.T) {
	t.Parallel()
	good := entry{name: "a.crt", text: cert("a")}
	zeros := strings.Repeat("\x00", 100<<20)
	bomb := []entry{{name: "a", text: zeros}, {name: "b", text: zeros}, {name: "c", text: zeros}}
	many := make([]entry, 10_001)
	for i := range many {
		many[i] = entry{name: fmt.Sprintf("%d.crt", i), text: cert(fmt.Sprint(i))}
	}
	for kind, pack := range packers {
		for name, test := range map[string]struct {
			entries []entry
			want    domain.Reason
		}{
			"out of it":   {[]entry{good, {name: "../b.crt", text: "x"}}, domain.ReasonArchivePath},
			"in between":  {[]entry{good, {name: "x/../../b.crt", text: "x"}}, domain.ReasonArchivePath},
			"back":        {[]entry{good, {name: `x\..\..\b.crt`, text: "x"}}, domain.ReasonArchivePath},
			"absolute":    {[]entry{good, {name: "/etc/b.crt", text: "x"}}, domain.ReasonArchivePath},
			"of a drive":  {[]entry{good, {name: `C:\b.crt`, text: "x"}}, domain.ReasonArchivePath},
			"control":     {[]entry{good, {name: "a\nb.crt", text: "x"}}, domain.ReasonArchivePath},
			"long":        {[]entry{good, {name: strings.Repeat("n", 1025), text: "x"}}, domain.ReasonArchivePath},
			"twice":       {[]entry{good, good}, domain.ReasonTwice},
			"twice again": {[]entry{good, {name: "./a.crt", text: "x"}}, domain.ReasonTwice},
			"several": {[]entry{{name: "a/ca.crt"}, {name: "a/index.txt"}, {name: "b/ca.crt"}, {name: "b/index.txt"}},
				domain.ReasonSeveralCAs},
			"bomb":    {bomb, domain.ReasonArchiveSize},
			"many":    {many, domain.ReasonTooMany},
			"nothing": {[]entry{{name: "README", text: "x"}}, domain.ReasonArchiveEmpty},
		} {
			_, err := pkidir.Archive(pack(t, test.entries...))
			faults := domain.Faults(err)
			if len(faults) != 1 || faults[0].Reason != test.want || faults[0].Field != "archive" {
				t.Errorf("%s, %s: %v", kind, name, err)
			}
		}
	}
	for name, data := range map[string][]byte{
		"empty": nil, "text": []byte("text"), "half a zip": zipped(t, good)[:50], "half a tar": tarred(t, good)[:30],
		"large": make([]byte, pkidir.MaxArchive+1), "gzip": {0x1f, 0x8b, 8}, "encrypted": encrypted(zipped(t, good)),
	} {
		if _, err := pkidir.Archive(data); len(domain.Faults(err)) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// encrypted marks the first file of an archive as encrypted.
func encrypted(data []byte) []byte {
	data[bytes.Index(data, []byte("PK\x01\x02"))+8] |= 1
	return data
}

// TestArchive_Faults: links, archives and large files are faults of their own; nothing of them is
// read.
func TestArchive_Faults(t *testing.T) {
	t.Parallel()
	for kind, pack := range packers {
		found, err := pkidir.Archive(pack(t,
			entry{name: "a.crt", text: cert("a")}, entry{name: "link.crt", text: "a.crt", mode: fs.ModeSymlink},
			entry{name: "b.zip", text: string(zipped(t, entry{name: "c.crt", text: cert("c")}))},
			entry{name: "large.crt", text: cert("d") + strings.Repeat("x", 65<<10)},
			entry{name: "large.log", text: cert("e") + strings.Repeat("x", 65<<10)},
			entry{name: "crl-large.pem", text: block("X509 CRL", "list") + strings.Repeat("x", 13<<20)},
			entry{name: "tc.key", text: "-----BEGIN OpenVPN tls-crypt-v2 client key-----\n"},
		))
		var got []string
		for _, fault := range found.Faults {
			got = append(got, fault.Path+": "+string(domain.Faults(fault.Err)[0].Reason))
		}
		slices.Sort(got)
		want := []string{
			"b.zip: archive in the archive", "crl-large.pem: file too large", "large.crt: file too large",
			"link.crt: link in the archive",
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil || len(found.Certificates) != 1 ||
			len(found.Static) != 1 {
			t.Errorf("%s: %s %+v %v", kind, diff, found.Certificates, err)
		}
	}
	found, err := pkidir.Archive(tarred(t, entry{name: "a.crt", text: cert("a")},
		entry{name: "hard.crt", text: "a.crt", mode: fs.ModeIrregular}))
	if err != nil || len(found.Faults) != 1 {
		t.Errorf("a hard link: %+v, %v", found, err)
	}
}

// FuzzArchive: whatever is sent is read or is the fault of the archive.
func FuzzArchive(f *testing.F) {
	for _, pack := range packers {
		f.Add(pack(f, entry{name: "pki/ca.crt", text: cert("ca")}, entry{name: "pki/index.txt", text: "V\n"}))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := pkidir.Archive(data); err != nil && len(domain.Faults(err)) != 1 {
			t.Error(err)
		}
	})
}
