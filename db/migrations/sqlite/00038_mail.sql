-- +goose Up
-- The addresses that events are mailed to. address_key is the address as addresses are compared. The columns from turn on say how far the mail to
-- each is: whoever sends counts up turn, if it is what it was when they read the row.
CREATE TABLE mail_recipients (
    id          integer PRIMARY KEY AUTOINCREMENT,
    address     text NOT NULL,
    address_key text NOT NULL,
    language    text NOT NULL,
    events      text NOT NULL, -- JSON: types and groups; an empty list: alarms
    resource    text NOT NULL, -- empty: of all kinds
    resource_id integer NOT NULL, -- 0: all
    days        integer NOT NULL,
    enabled     boolean NOT NULL,
    created_at  datetime NOT NULL,
    updated_at  datetime NOT NULL,
    turn        integer NOT NULL,
    told        integer NOT NULL, -- all events up to this id are mailed, or not for the recipient
    last        integer NOT NULL, -- the last event of the letter on its way; 0: none is
    message_id  text NOT NULL,
    written_at  datetime,
    attempts    integer NOT NULL,
    retry_at    datetime,
    failure     text NOT NULL,
    failed_at   datetime, -- NULL: the address was not refused for good
    sent_at     datetime,
    sent        integer NOT NULL
);
CREATE UNIQUE INDEX mail_recipients_address_key ON mail_recipients (address_key);
-- One row: which replica sends, until when. turn counts those that have done so.
CREATE TABLE mail_lease (
    id       integer PRIMARY KEY CHECK (id = 1),
    turn     integer NOT NULL,
    until_at integer NOT NULL -- microseconds since 1970
);
INSERT INTO mail_lease (id, turn, until_at) VALUES (1, 0, 0);

-- +goose Down
DROP TABLE mail_lease;
DROP TABLE mail_recipients;
