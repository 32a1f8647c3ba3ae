package store

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type mailRecipientRow struct {
	ID         int64 `gorm:"primaryKey"`
	Address    string
	AddressKey string
	Language   string
	Events     storedList[string]
	Resource   string
	ResourceID int64
	Days       int
	Enabled    bool
	CreatedAt  time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt  time.Time `gorm:"autoUpdateTime:false"`
	Turn       int64
	Told       int64
	Last       int64
	MessageID  string
	WrittenAt  *time.Time
	Attempts   int
	RetryAt    *time.Time
	Failure    string
	FailedAt   *time.Time
	SentAt     *time.Time
	Sent       int64
}

const mailRecipientColumns = "id, address, language, events, resource, resource_id, days, enabled, created_at, " +
	"updated_at, turn, told, last, message_id, written_at, attempts, retry_at, failure, failed_at, sent_at, sent"

func (mailRecipientRow) TableName() string { return "mail_recipients" }

func (r *mailRecipientRow) key() *int64 { return &r.ID }

func (r *mailRecipientRow) fields() []any {
	return []any{
		&r.ID, &r.Address, &r.Language, &r.Events, &r.Resource, &r.ResourceID, &r.Days, &r.Enabled, &r.CreatedAt,
		&r.UpdatedAt, &r.Turn, &r.Told, &r.Last, &r.MessageID, &r.WrittenAt, &r.Attempts, &r.RetryAt, &r.Failure,
		&r.FailedAt, &r.SentAt, &r.Sent,
	}
}

func (r *mailRecipientRow) entity() domain.MailRecipient {
	return domain.MailRecipient{
		ID: r.ID, Address: r.Address, Language: domain.MailLanguage(r.Language), Events: r.Events,
		Resource: domain.Scope(r.Resource), ResourceID: r.ResourceID, Days: r.Days, Enabled: r.Enabled,
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
		MailState: domain.MailState{
			Turn: r.Turn, Told: r.Told, Last: r.Last, MessageID: r.MessageID, WrittenAt: orZero(r.WrittenAt),
			Attempts: r.Attempts, RetryAt: orZero(r.RetryAt), Failure: r.Failure, FailedAt: orZero(r.FailedAt),
			SentAt: orZero(r.SentAt), Sent: r.Sent,
		},
	}
}

func toMailRecipientRow(m domain.MailRecipient) mailRecipientRow {
	return mailRecipientRow{
		ID: m.ID, Address: m.Address, AddressKey: domain.NameKey(m.Address), Language: string(m.Language),
		Events: m.Events, Resource: string(m.Resource), ResourceID: m.ResourceID, Days: m.Days, Enabled: m.Enabled,
		CreatedAt: micro(m.CreatedAt), UpdatedAt: micro(m.UpdatedAt),
		Turn: m.Turn, Told: m.Told, Last: m.Last, MessageID: m.MessageID, WrittenAt: optional(m.WrittenAt),
		Attempts: m.Attempts, RetryAt: optional(m.RetryAt), Failure: m.Failure, FailedAt: optional(m.FailedAt),
		SentAt: optional(m.SentAt), Sent: m.Sent,
	}
}

type mailRecipients struct {
	records[mailRecipientRow, domain.MailRecipient, *mailRecipientRow]
}

// mailStateColumns are those that say how far the mail is.
var mailStateColumns = []string{
	"turn", "told", "last", "message_id", "written_at", "attempts", "retry_at", "failure", "failed_at", "sent_at",
	"sent",
}

var mailRecipientTable = table[mailRecipientRow, domain.MailRecipient]{
	list: listing{table: "mail_recipients", columns: mailRecipientColumns}, row: toMailRecipientRow,
	id: func(m *domain.MailRecipient) *int64 { return &m.ID },
	updated: append([]string{
		"address", "address_key", "language", "events", "resource", "resource_id", "days", "enabled", "updated_at",
	}, mailStateColumns...),
	stored: duplicated("address_key", "address"), lock: forChange,
}

// Count implements domain.MailRecipients.
func (r mailRecipients) Count(ctx context.Context) (n int, err error) {
	return n, scan(ctx, r.s.read, []any{&n}, "SELECT count(*) FROM mail_recipients")
}

// Update implements domain.MailRecipients.
func (r mailRecipients) Update(ctx context.Context, m domain.MailRecipient) error {
	m.Turn++
	return r.records.Update(ctx, m)
}

// Active implements domain.MailRecipients.
func (r mailRecipients) Active(ctx context.Context) ([]domain.MailRecipient, error) {
	const query = "SELECT " + mailRecipientColumns +
		" FROM mail_recipients WHERE enabled = ? AND failed_at IS NULL ORDER BY id"
	rows, err := find[mailRecipientRow, domain.MailRecipient](ctx, r.s.read, query, []any{true})
	list := make([]domain.MailRecipient, len(rows))
	for i := range rows {
		list[i] = rows[i].entity()
	}
	return list, err
}

// Note implements domain.MailRecipients.
func (r mailRecipients) Note(ctx context.Context, id int64, state domain.MailState) (bool, error) {
	known := state.Turn
	state.Turn++
	row := toMailRecipientRow(domain.MailRecipient{ID: id, MailState: state})
	done := r.s.write.WithContext(ctx).Model(&row).Where("turn = ?", known).Select(mailStateColumns).Updates(&row)
	return done.RowsAffected == 1, done.Error
}

// Skip implements domain.MailRecipients.
func (r mailRecipients) Skip(ctx context.Context, ids []int64, told int64) error {
	const query = "UPDATE mail_recipients SET told = ? WHERE id IN ? AND last = 0 AND told < ?"
	return r.s.write.WithContext(ctx).Exec(query, told, ids, told).Error
}
