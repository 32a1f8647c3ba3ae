package pkidir_test

import (
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki/pkidir"
)

// block is a PEM text of a type; its content is told apart by its name.
func block(kind, name string) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte(name)}))
}

func cert(name string) string { return block("CERTIFICATE", name) }
func key(name string) string  { return block("PRIVATE KEY", name) }

// tree makes a directory of texts, by their paths.
func tree(files map[string]string) fstest.MapFS {
	dir := fstest.MapFS{}
	for name, text := range files {
		dir[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return dir
}

// parts are the contents of blocks, with the paths of their files.
func parts(t *testing.T, list []domain.ForeignPart) []string {
	t.Helper()
	var all []string
	for _, part := range list {
		decoded, _ := pem.Decode([]byte(part.PEM))
		if decoded == nil {
			t.Fatalf("%s is no PEM", part.Path)
		}
		all = append(all, part.Path+" "+string(decoded.Bytes))
	}
	return all
}

// version3 is a directory of easy-rsa 3, with all the folders that its versions have made.
func version3() map[string]string {
	return map[string]string{
		"ca.crt": cert("ca"), "private/ca.key": key("ca"), "crl.pem": block("X509 CRL", "list"),
		"ta.key":            "#\n# 2048 bit OpenVPN static key\n-----BEGIN OpenVPN Static key V1-----\n00\n-----END OpenVPN Static key V1-----\n",
		"index.txt":         "V\t290301044451Z\t\t7D50\tunknown\t/CN=alice\n",
		"issued/alice.crt":  "Certificate:\n    Data:\n" + cert("alice"),
		"private/alice.key": key("alice"), "certs_by_serial/7D50.pem": cert("alice"),
		"reqs/alice.req":                 block("CERTIFICATE REQUEST", "alice"),
		"revoked/certs_by_serial/01.crt": cert("bob"), "revoked/private_by_serial/01.key": key("bob"),
		"renewed/issued/carl.crt": cert("carl"), "renewed/certs_by_serial/02.crt": cert("dora"),
		"expired/eve.crt":     cert("eve"),
		"private/easyrsa.p12": "\x30\x82 no PEM", "vars": "set_var EASYRSA_ALGO rsa\n",
		"openssl-easyrsa.cnf": "[ ca ]\n", "serial": "03\n", "index.txt.old": "V\n",
	}
}

func TestEasyRSA_Version3(t *testing.T) {
	t.Parallel()
	found, err := pkidir.EasyRSA(tree(version3()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{
		"expired/eve.crt eve", "issued/alice.crt alice", "renewed/certs_by_serial/02.crt dora",
		"renewed/issued/carl.crt carl", "revoked/certs_by_serial/01.crt bob",
	}, parts(t, found.Certificates)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{
		"private/alice.key alice", "revoked/private_by_serial/01.key bob",
	}, parts(t, found.Keys)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"crl.pem list"}, parts(t, found.CRLs)); diff != "" {
		t.Error(diff)
	}
	if string(found.CA) != cert("ca") || string(found.CAKey) != key("ca") || !slices.Equal(found.Static, []string{"ta.key"}) ||
		len(found.Index) != 1 || found.Index[0].Path != "index.txt:1" || len(found.Faults) != 0 {
		t.Errorf("%q %v %+v %+v", found.CA, found.Static, found.Index, found.Faults)
	}
}

// TestEasyRSA_Version2: all files are in one folder.
func TestEasyRSA_Version2(t *testing.T) {
	t.Parallel()
	found, err := pkidir.EasyRSA(tree(map[string]string{
		"vars": "export KEY_SIZE=2048\n", "keys/ca.crt": cert("ca"), "keys/ca.key": key("ca"),
		"keys/index.txt": "V\t290301044451Z\t\t01\tunknown\t/C=BR/CN=server\nR\t290301044451Z\t261127044454Z\t02\tunknown\t/C=BR/CN=rio\n",
		"keys/01.pem":    "Certificate:\n" + cert("server"), "keys/server.crt": "Certificate:\n" + cert("server"),
		"keys/server.key": key("server"), "keys/server.csr": block("CERTIFICATE REQUEST", "server"),
		"keys/02.pem": cert("rio"), "keys/rio.crt": cert("rio"), "keys/rio.key": block("RSA PRIVATE KEY", "rio"),
		"keys/crl.pem": block("X509 CRL", "list"), "keys/dh2048.pem": block("DH PARAMETERS", "dh"),
	}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"keys/rio.crt rio", "keys/server.crt server"}, parts(t, found.Certificates)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"keys/rio.key rio", "keys/server.key server"}, parts(t, found.Keys)); diff != "" {
		t.Error(diff)
	}
	if string(found.CA) != cert("ca") || string(found.CAKey) != key("ca") || len(found.CRLs) != 1 || len(found.Index) != 2 {
		t.Errorf("%+v", found)
	}
}

// TestEasyRSA_Below: the folder is found below the one that is given, as OpenVPN UI has it.
func TestEasyRSA_Below(t *testing.T) {
	t.Parallel()
	below := func(folders ...string) fstest.MapFS {
		files := map[string]string{"clients/alice.ovpn": cert("other"), "db/data.db": "SQLite", "config/server.conf": "port 1194\n"}
		for _, folder := range folders {
			for name, text := range version3() {
				files[folder+name] = text
			}
		}
		return tree(files)
	}
	for _, folder := range []string{"pki/", "easy-rsa/pki/", "data/openvpn/pki/"} {
		found, err := pkidir.EasyRSA(below(folder))
		if err != nil || string(found.CA) != cert("ca") || len(found.Certificates) != 5 {
			t.Errorf("%s: %+v (%v)", folder, found, err)
		}
	}
	if found, err := pkidir.EasyRSA(below("", "backup/pki/")); err != nil || string(found.CA) != cert("ca") {
		t.Errorf("the one that is given goes first: %v", err)
	}
	for _, test := range []struct {
		dir  fstest.MapFS
		want error
	}{
		{below(), pkidir.ErrNoPKI}, {below("pki/", "old/pki/"), pkidir.ErrSeveral},
		{below("1/2/3/4/5/pki/"), pkidir.ErrNoPKI},
	} {
		if _, err := pkidir.EasyRSA(test.dir); !errors.Is(err, test.want) {
			t.Errorf("%v, want %v", err, test.want)
		}
	}
}

// TestPEM: all blocks of all files are found, also several in one file.
func TestPEM(t *testing.T) {
	t.Parallel()
	found, err := pkidir.PEM(tree(map[string]string{
		"ca.crt": cert("ca"), "a/bundle.txt": cert("one") + key("one") + cert("two"), "b.ovpn": "<ca>\n" + cert("ca") + "</ca>\n<cert>\n" + cert("three") + "</cert>\n",
		"c/crl": block("X509 CRL", "x"), "d/old.pem": block("X509 CRL", "y"), "README": "nothing\n",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{
		"ca.crt ca", "a/bundle.txt one", "a/bundle.txt two", "b.ovpn three",
	}, parts(t, found.Certificates)); diff != "" {
		t.Error(diff)
	}
	if len(found.Keys) != 1 || len(found.CRLs) != 2 || found.CA != nil || found.CAKey != "" {
		t.Errorf("%+v", found)
	}
}

// TestEasyRSA_Copies: of the files of the CA itself those with their names count, also when copies
// of them are there.
func TestEasyRSA_Copies(t *testing.T) {
	t.Parallel()
	files := version3()
	for _, name := range []string{"ca.crt", "private/ca.key", "crl.pem", "issued/alice.crt"} {
		files["backup/"+name] = files[name]
	}
	found, err := pkidir.EasyRSA(tree(files))
	if err != nil || string(found.CA) != cert("ca") || string(found.CAKey) != key("ca") || len(found.CRLs) != 1 ||
		len(found.Certificates) != 5 || len(found.Keys) != 2 {
		t.Errorf("%+v (%v)", found, err)
	}
}

// FuzzIndex: a row of the index is read or is at fault.
func FuzzIndex(f *testing.F) {
	f.Add("V\t290301044451Z\t\t0A\tunknown\t/CN=rio")
	f.Add("R\t20290301044451Z\t261127044454Z,keyTime,20261127034454Z\t0A\tunknown\t/C=BR/CN=rio/x=y")
	f.Fuzz(func(t *testing.T, text string) {
		found, err := pkidir.EasyRSA(tree(map[string]string{"ca.crt": cert("ca"), "index.txt": text}))
		rows := 0
		for line := range strings.Lines(text) {
			if strings.TrimSpace(line) != "" {
				rows++
			}
		}
		if err != nil || len(found.Index)+len(found.Faults) != rows {
			t.Errorf("%d rows, %d read, %d at fault (%v)", rows, len(found.Index), len(found.Faults), err)
		}
	})
}

// TestLargeFiles: a large file is a fault only if its name promises a certificate or a key.
func TestLargeFiles(t *testing.T) {
	t.Parallel()
	files, large := version3(), strings.Repeat("x", 65<<10)
	files["issued/large.crt"], files["large.log"], files["crl.pem"] = large, large, large+"\n"+block("X509 CRL", "list")
	found, err := pkidir.EasyRSA(tree(files))
	if err != nil || len(found.CRLs) != 1 || len(found.Faults) != 1 || found.Faults[0].Path != "issued/large.crt" {
		t.Errorf("%d lists, %+v (%v)", len(found.CRLs), found.Faults, err)
	}
}

func TestIndex(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, time.November, 27, 4, 44, 54, 0, time.UTC)
	revoked := func(reason domain.RevocationReason) domain.IndexRow {
		return domain.IndexRow{Name: "rio", Serial: "0A", RevokedAt: at, Revocation: domain.RevocationSpec{Reason: reason}}
	}
	compromised := revoked(domain.KeyCompromise)
	compromised.Revocation.InvalidSince = at.Add(-time.Hour)
	for text, want := range map[string]domain.IndexRow{
		"V\t290301044451Z\t\t0A\tunknown\t/C=BR/O=A B/CN=rio/emailAddress=a@example.com":              {Name: "rio", Serial: "0A"},
		"V\t290301044451Z\t\t0A\tunknown\t/CN=rio/name=rio/LocalIP=dynamic.pool":                      {Name: "rio", Serial: "0A"},
		"E\t290301044451Z\t\t0A\tunknown\t/CN=a/b":                                                    {Name: "a/b", Serial: "0A"},
		"R\t290301044451Z\t261127044454Z\t0A\tunknown\t/CN=rio\r":                                     revoked(domain.Unspecified),
		"R\t290301044451Z\t20261127044454Z\t0A\tunknown\t/CN=rio":                                     revoked(domain.Unspecified),
		"R\t290301044451Z\t261127044454Z,keyCompromise\t0A\tunknown\t/CN=rio":                         revoked(domain.KeyCompromise),
		"R\t290301044451Z\t261127044454Z,CACompromise\t0A\tunknown\t/CN=rio":                          revoked(domain.CACompromise),
		"R\t290301044451Z\t261127044454Z,superseded\t0A\tunknown\t/CN=rio":                            revoked(domain.Superseded),
		"R\t290301044451Z\t261127044454Z,holdInstruction,holdInstructionReject\t0A\tunknown\t/CN=rio": revoked(domain.CertificateHold),
		"R\t290301044451Z\t261127044454Z,keyTime,20261127034454Z\t0A\tunknown\t/CN=rio":               compromised,
	} {
		found := indexOf(t, text)
		want.Path, want.NotAfter = "index.txt:2", time.Date(2029, time.March, 1, 4, 44, 51, 0, time.UTC)
		if diff := cmp.Diff([]domain.IndexRow{want}, found.Index); diff != "" || len(found.Faults) > 0 {
			t.Errorf("%q: %s %v", text, diff, found.Faults)
		}
	}
	for _, text := range []string{
		"V\t290301044451Z\t\t0A\t/CN=rio", "V", "X\t290301044451Z\t\t0A\tunknown\t/CN=rio", "V\tsoon\t\t0A\tunknown\t/CN=rio",
		"R\t290301044451Z\t\t0A\tunknown\t/CN=rio", "R\t290301044451Z\t261127044454Z,why\t0A\tunknown\t/CN=rio",
		"R\t290301044451Z\t261127044454Z,removeFromCRL\t0A\tunknown\t/CN=rio",
		"R\t290301044451Z\t261127044454Z,keyTime,x\t0A\tunknown\t/CN=rio",
	} {
		if found := indexOf(t, text); len(found.Index) != 0 || len(found.Faults) != 1 || found.Faults[0].Path != "index.txt:2" {
			t.Errorf("%q: %+v, %v", text, found.Index, found.Faults)
		}
	}
}

// TestIndex_Centuries: a date of two digits is between 1950 and 2049.
func TestIndex_Centuries(t *testing.T) {
	t.Parallel()
	for text, year := range map[string]int{
		"490101000000Z": 2049, "500101000000Z": 1950, "680101000000Z": 1968, "700101000000Z": 1970, "20510101000000Z": 2051,
	} {
		if found := indexOf(t, "V\t"+text+"\t\t0A\tunknown\t/CN=rio"); len(found.Index) != 1 || found.Index[0].NotAfter.Year() != year {
			t.Errorf("%s: %+v", text, found.Index)
		}
	}
}

// indexOf reads an index with an empty line before this one.
func indexOf(t *testing.T, line string) domain.ForeignPKI {
	t.Helper()
	files := version3()
	files["index.txt"] = "\n" + line + "\n"
	found, err := pkidir.EasyRSA(tree(files))
	if err != nil {
		t.Fatal(err)
	}
	return found
}
