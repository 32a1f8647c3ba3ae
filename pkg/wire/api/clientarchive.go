package api

import (
	"archive/zip"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
)

// notIncluded is the file of an archive that lists the clients without a file.
const notIncluded = "not-included.txt"

// clientArchive is a ZIP file with the files of many clients.
type clientArchive struct {
	out   *zip.Writer
	now   time.Time
	lang  language
	taken map[string]bool // names of files in lower case
	left  []string        // lines about clients without a file
}

func newClientArchive(w io.Writer, now time.Time, lang language) *clientArchive {
	return &clientArchive{out: zip.NewWriter(w), now: now, lang: lang, taken: map[string]bool{notIncluded: true}}
}

// add adds the files of a client, several in a folder, or notes why there are none.
func (a *clientArchive) add(one pki.ClientFiles) error {
	if one.Err != nil {
		for _, fault := range domain.Faults(one.Err) {
			line := fmt.Sprintf("%d\t%s\t%s", one.Client.ID, one.Client.Name, message(fault, a.lang))
			a.left = append(a.left, strings.TrimSpace(line))
		}
		return nil
	}
	if len(one.Files) == 1 {
		only := one.Files[0]
		return a.write(a.name(one.Client, path.Ext(only.Name)), only.Content)
	}
	folder := a.name(one.Client, "")
	for _, file := range one.Files {
		if err := a.write(path.Join(folder, file.Name), file.Content); err != nil {
			return err
		}
	}
	return nil
}

// close adds the list of clients without a file, if there are any, and ends the archive.
func (a *clientArchive) close() error {
	if len(a.left) > 0 {
		if err := a.write(notIncluded, []byte(strings.Join(a.left, "\r\n")+"\r\n")); err != nil {
			return err
		}
	}
	return a.out.Close()
}

// write adds a file as it is: keys, and what is encrypted, hardly get smaller.
func (a *clientArchive) write(name string, content []byte) error {
	file, err := a.out.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store, Modified: a.now.UTC()})
	if err != nil {
		return err
	}
	if _, err := file.Write(content); err != nil {
		return err
	}
	return a.out.Flush()
}

// name returns a name for the file or the folder of a client that no other has, regardless of case.
func (a *clientArchive) name(c domain.Client, extension string) string {
	base := fileName(c.Name)
	name := base + extension
	for n := 1; a.taken[strings.ToLower(name)]; n++ {
		name = base + "-" + strconv.FormatInt(c.ID, 10) + strings.Repeat("_", n-1) + extension
	}
	a.taken[strings.ToLower(name)] = true
	return name
}

// devices are names of files that Windows takes for devices, with any extension.
var deviceFiles = []string{"con", "prn", "aux", "nul"}

// longestFileName is how many characters of a client's name the name of its file has.
const longestFileName = 100

// fileName makes a name that every file system takes: of letters, digits and a few signs, without
// a dot or a space at its ends.
func fileName(name string) string {
	safe := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || strings.ContainsRune("-_.+@ ", r) {
			return r
		}
		return '_'
	}, strings.ToValidUTF8(name, "_"))
	if runes := []rune(safe); len(runes) > longestFileName {
		safe = string(runes[:longestFileName])
	}
	safe = strings.Trim(safe, ". ")
	stem, _, _ := strings.Cut(strings.ToLower(safe), ".")
	port := strings.TrimRight(stem, "0123456789")
	if safe == "" || slices.Contains(deviceFiles, stem) || stem != port && (port == "com" || port == "lpt") {
		safe = "_" + safe
	}
	return safe
}
