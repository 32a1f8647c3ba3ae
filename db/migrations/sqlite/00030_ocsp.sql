-- +goose Up
-- What signs the answers about the certificates of a CA: the newest responder of each, whose certificate is one of the CA's. The key of the
-- table decides which replica makes the next one.
CREATE TABLE ocsp_responders (
    ca_id          integer NOT NULL CONSTRAINT ocsp_responders_ca REFERENCES cas (id),
    generation     integer NOT NULL, -- counts the responders of the CA
    certificate_id integer NOT NULL CONSTRAINT ocsp_responders_certificate REFERENCES certificates (id),
    sealed_key     blob    NOT NULL,
    PRIMARY KEY (ca_id, generation)
);
CREATE INDEX ocsp_responders_certificate_id ON ocsp_responders (certificate_id);

-- +goose Down
DROP TABLE ocsp_responders;
