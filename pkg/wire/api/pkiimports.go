package api

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
	"github.com/chaveiro/chaveiro/pkg/pki"
	"github.com/chaveiro/chaveiro/pkg/pki/pkidir"
)

type pkiImports struct {
	service *pki.Imports
	results *idempotency.Results
}

// ImportCaCertificates implements the operation importCaCertificates.
func (h pkiImports) ImportCaCertificates(
	ctx context.Context, request gen.ImportCaCertificatesRequestObject,
) (gen.ImportCaCertificatesResponseObject, error) {
	answer, err := idempotency.Do(ctx, h.results, func() (gen.PkiImport, error) {
		in, err := pkiImportOf(request.Body)
		if err != nil {
			return gen.PkiImport{}, err
		}
		in.CAID, in.Partial, in.DryRun = request.ID, value(request.Params.Partial), domain.OriginOf(ctx).DryRun
		lang := languageOf(text(request.Params.AcceptLanguage))
		convert := func(r pki.ImportReport) gen.PkiImport { return convertImport(r, in, lang) }
		report, err := h.service.Into(ctx, in, func(r pki.ImportReport) any { return convert(r) })
		if err != nil || report.Stored {
			return convert(report), err
		}
		// When nothing was left to store, a request with the same key may have done it meanwhile.
		return idempotency.Do(ctx, h.results, func() (gen.PkiImport, error) { return convert(report), nil })
	})
	if err != nil {
		return nil, err
	}
	return gen.ImportCaCertificates200JSONResponse(answer), nil
}

// pkiImportOf reads what is to be imported.
func pkiImportOf(b *gen.PkiImportCreate) (in domain.PKIImport, err error) {
	archive := text(b.Archive)
	switch {
	case archive == "" && len(b.Certificates) == 0 && text(b.Crl) == "":
		return in, domain.Fault(domain.Required, "certificates", domain.ReasonEither, "certificates, archive, crl")
	case archive != "" && len(b.Certificates) > 0:
		return in, domain.Fault(domain.Rule, "archive", domain.ReasonOneOf, "certificates, archive")
	case archive == "":
		in, err = listedCertificates(b.Certificates)
	default:
		in.ForeignPKI, err = readArchive(archive)
	}
	if list := text(b.Crl); list != "" {
		in.CRLs = append(in.CRLs, domain.ForeignPart{Path: "crl", PEM: domain.Secret(list)})
	}
	in.KeyPassword, in.Passwords = domain.Secret(text(b.Password)), map[string]domain.Secret{}
	for _, one := range b.Passwords {
		in.Passwords[one.File] = domain.Secret(one.Password)
	}
	return in, err
}

func readArchive(text string) (domain.ForeignPKI, error) {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return domain.ForeignPKI{}, domain.Fault(domain.Invalid, "archive", domain.ReasonBase64)
	}
	return pkidir.Archive(data)
}

func listedCertificates(list []gen.PkiImportCertificate) (in domain.PKIImport, err error) {
	in.Listed = true
	for i, one := range list {
		place := fmt.Sprintf("certificates[%d]", i)
		at, dateErr := parseDate(place+".revoked_date", one.RevokedDate)
		err = errors.Join(err, dateErr)
		in.Certificates = append(in.Certificates, domain.ForeignPart{
			Path: place, PEM: domain.Secret(one.Cert), Says: &domain.ForeignClient{
				Email: text(one.Email), Description: text(one.Description), Revoked: value(one.Revoked), RevokedAt: at,
			},
		})
		if key := text(one.Key); key != "" {
			in.Keys = append(in.Keys, domain.ForeignPart{
				Path: place, PEM: domain.Secret(key), Password: domain.Secret(text(one.Password)),
			})
		}
	}
	return in, err
}

// importResults are the words of the dialect for what becomes of a row.
var importResults = map[pki.ImportAction]string{
	pki.ImportNew: "created", pki.ImportKnown: "unchanged", pki.ImportLeave: "left_out", pki.ImportFault: "refused",
}

func convertImport(r pki.ImportReport, in domain.PKIImport, lang language) gen.PkiImport {
	return gen.PkiImport{
		DryRun: in.DryRun, Stored: r.Stored, CaID: in.CAID, Created: r.New, Unchanged: r.Known, LeftOut: r.Left,
		Refused: r.Bad,
		Rows:    convertAll(r.Rows, func(row *pki.ImportRow) gen.PkiImportRow { return convertImportRow(row, lang) }),
	}
}

func convertImportRow(row *pki.ImportRow, lang language) gen.PkiImportRow {
	out := gen.PkiImportRow{
		Kind: row.Kind, Result: importResults[row.Action], File: row.Path, Name: row.Name, Serial: row.Serial,
		ExpiryDate: optionalDate(row.NotAfter), RevokedAt: optionalDate(row.RevokedAt), Key: row.Key,
		ClientID: optional(row.ClientID), Errors: []gen.PkiImportError{},
		Notes: convertAll(row.Notes, func(note pki.ImportNote) gen.PkiImportNote {
			said := importNotes[note]
			return gen.PkiImportNote{Code: said.code, Msg: said.texts[lang]}
		}),
	}
	if !row.RevokedAt.IsZero() {
		reason := row.Reason.String()
		out.RevocationReason = &reason
	}
	for _, fault := range domain.Faults(row.Why) {
		out.Errors = append(out.Errors, gen.PkiImportError{
			Field: fault.Field, Type: types[fault.Kind], Msg: message(fault, lang),
		})
	}
	return out
}

// importNotes are the words of the dialect for the notes.
var importNotes = map[pki.ImportNote]struct {
	code  string
	texts [languages]string
}{
	pki.NoteKeyLocked: {"key_locked", [languages]string{
		"A chave está cifrada com outra senha, e fica de fora.",
		"The key is encrypted with another password, and stays out.",
	}},
	pki.NoteEarlier: {"earlier", [languages]string{
		"Um certificado anterior do cliente.", "An earlier certificate of the client.",
	}},
	pki.NoteOtherCA: {"other_ca", [languages]string{"É de outra CA.", "It is of another CA."}},
	pki.NoteNoFile: {"no_file", [languages]string{
		"Válido, mas só o índice o tem.", "It is valid, but only the index has it.",
	}},
	pki.NoteNoOwner: {"no_owner", [languages]string{
		"Nenhum certificado tem esta chave.", "No certificate has this key.",
	}},
	pki.NoteStatic: {"control_channel_key", [languages]string{
		"Não importado: chave do canal de controle (tls-auth, tls-crypt).",
		"Not imported: a key of the control channel (tls-auth, tls-crypt).",
	}},
	pki.NoteOlder: {"older", [languages]string{
		"O cliente tem um certificado mais novo aqui.", "The client has a newer certificate here.",
	}},
	pki.NoteNotAccepted: {"not_client", [languages]string{
		"Conhecido, mas não como de um cliente.", "Known, but not as a client's.",
	}},
	pki.NoteOtherList: {"another_list", [languages]string{"Há uma lista mais nova.", "There is a later list."}},
}
