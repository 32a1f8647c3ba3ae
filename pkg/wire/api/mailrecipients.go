package api

import (
	"cmp"
	"context"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/mail"
)

type mailRecipients struct{ service *mail.Recipients }

// GetMailRecipientsPage implements the operation getMailRecipientsPage.
func (h mailRecipients) GetMailRecipientsPage(
	ctx context.Context, request gen.GetMailRecipientsPageRequestObject,
) (gen.GetMailRecipientsPageResponseObject, error) {
	page, err := h.service.Page(ctx, pageRequest(request.Params.Cursor, request.Params.Size))
	if err != nil {
		return nil, err
	}
	return gen.GetMailRecipientsPage200JSONResponse{
		Cursor: cursorOf(page), Recipients: convertAll(page.Items, convertMailRecipient),
	}, nil
}

// GetMailRecipient implements the operation getMailRecipient.
func (h mailRecipients) GetMailRecipient(
	ctx context.Context, request gen.GetMailRecipientRequestObject,
) (gen.GetMailRecipientResponseObject, error) {
	found, err := h.service.Get(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	return gen.GetMailRecipient200JSONResponse(convertMailRecipient(found)), nil
}

// CreateMailRecipient implements the operation createMailRecipient.
func (h mailRecipients) CreateMailRecipient(
	ctx context.Context, request gen.CreateMailRecipientRequestObject,
) (gen.CreateMailRecipientResponseObject, error) {
	b := request.Body
	made := domain.MailRecipient{
		Address: b.Address, Language: domain.MailLanguage(cmp.Or(text(b.Language), string(domain.MailPortuguese))),
		Events: b.Events, Resource: domain.Scope(text(b.Resource)), ResourceID: value(b.ResourceID),
		Days: domain.DefaultMailDays, Enabled: b.Enabled == nil || *b.Enabled,
	}
	if b.Days != nil {
		made.Days = *b.Days
	}
	made, err := h.service.Create(ctx, made)
	if err != nil {
		return nil, err
	}
	return gen.CreateMailRecipient200JSONResponse(convertMailRecipient(made)), nil
}

// UpdateMailRecipient implements the operation updateMailRecipient.
func (h mailRecipients) UpdateMailRecipient(
	ctx context.Context, request gen.UpdateMailRecipientRequestObject,
) (gen.UpdateMailRecipientResponseObject, error) {
	b := request.Body
	changed, err := h.service.Update(ctx, request.ID, domain.MailRecipientUpdate{
		Address: b.Address, Language: (*string)(b.Language), Events: b.Events, Resource: b.Resource,
		ResourceID: b.ResourceID, Days: b.Days, Enabled: b.Enabled,
	})
	if err != nil {
		return nil, err
	}
	return gen.UpdateMailRecipient200JSONResponse(convertMailRecipient(changed)), nil
}

// DeleteMailRecipient implements the operation deleteMailRecipient.
func (h mailRecipients) DeleteMailRecipient(
	ctx context.Context, request gen.DeleteMailRecipientRequestObject,
) (gen.DeleteMailRecipientResponseObject, error) {
	if err := h.service.Delete(ctx, request.ID); err != nil {
		return nil, err
	}
	return gen.DeleteMailRecipient200Response{}, nil
}

// TestMailRecipient implements the operation testMailRecipient.
func (h mailRecipients) TestMailRecipient(
	ctx context.Context, request gen.TestMailRecipientRequestObject,
) (gen.TestMailRecipientResponseObject, error) {
	done, err := h.service.Test(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	return gen.TestMailRecipient200JSONResponse{
		Sent: done.Failure == "", MessageID: done.MessageID, Failure: done.Failure,
	}, nil
}

func convertMailRecipient(r domain.MailRecipient) gen.MailRecipient {
	return gen.MailRecipient{
		ID: r.ID, Address: r.Address, Language: string(r.Language), Events: append([]string{}, r.Events...),
		Resource: optional(string(r.Resource)), ResourceID: optional(r.ResourceID), Days: r.Days, Enabled: r.Enabled,
		WaitingSince: optionalDate(r.WrittenAt), Attempts: r.Attempts, Failure: r.Failure,
		FailedAt: optionalDate(r.FailedAt), LastSentAt: optionalDate(r.SentAt), Sent: r.Sent,
		CreatedAt: date(r.CreatedAt), UpdatedAt: date(r.UpdatedAt),
	}
}
