package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// billOfMaterials says what is in a program, as CycloneDX in JSON (ECMA-424): the modules that Go
// has linked into it, the library of Go, and files that are embedded.
func (r *release) billOfMaterials(arch string, modules []module) ([]byte, error) {
	main := cdx.Component{
		BOMRef: "chaveiro", Type: cdx.ComponentTypeApplication, Name: "chaveiro", Version: r.version,
		PackageURL: "pkg:golang/github.com/chaveiro/chaveiro@" + r.version + "?goos=linux&goarch=" + arch,
		Licenses:   licencesOf([]string{"Apache-2.0"}),
	}
	components, refs := []cdx.Component{}, []string{}
	for _, m := range modules {
		c := component(m)
		components, refs = append(components, c), append(refs, c.BOMRef)
	}
	bom := cdx.NewBOM()
	bom.SerialNumber = r.serial(arch)
	bom.Metadata = &cdx.Metadata{
		Timestamp: r.commit.time.Format(time.RFC3339), Component: &main,
		Properties: &[]cdx.Property{{Name: "chaveiro:commit", Value: r.commit.hash}},
	}
	bom.Components = &components
	bom.Dependencies = &[]cdx.Dependency{{Ref: main.BOMRef, Dependencies: &refs}}
	var out bytes.Buffer
	encoder := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON)
	encoder.SetPretty(true)
	err := encoder.Encode(bom)
	return out.Bytes(), err
}

func component(m module) cdx.Component {
	c := cdx.Component{
		BOMRef: m.url(), Type: cdx.ComponentTypeLibrary, Name: m.path, Version: m.version, PackageURL: m.url(),
		Licenses: licencesOf(m.licences),
	}
	if m.sum != "" {
		c.Properties = &[]cdx.Property{{Name: "go:sum", Value: m.sum}}
	}
	return c
}

func licencesOf(ids []string) *cdx.Licenses {
	list := cdx.Licenses{}
	for _, id := range ids {
		list = append(list, cdx.LicenseChoice{License: &cdx.License{ID: id}})
	}
	return &list
}

// serial is a number for the document (RFC 9562, section 5.8) that is always the same for a build.
func (r *release) serial(arch string) string {
	sum := sha256.Sum256([]byte(r.commit.hash + " " + r.version + " " + arch))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}
