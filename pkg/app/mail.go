package app

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chaveiro/chaveiro/pkg/mail/smtp"
)

// MailConfig says how events are mailed.
type MailConfig struct {
	SMTPHost         string        `name:"smtp-host" group:"Mail:" env:"CHAVEIRO_SMTP_HOST" help:"Mail server (SMTP) that takes letters about events; without it nothing is mailed."`
	SMTPPort         int           `name:"smtp-port" group:"Mail:" env:"CHAVEIRO_SMTP_PORT" least:"0" most:"65535" default:"0" help:"Port of the mail server (0: 587, with --smtp-mode tls 465, without TLS 25)."`
	SMTPMode         string        `name:"smtp-mode" group:"Mail:" env:"CHAVEIRO_SMTP_MODE" default:"starttls" help:"starttls, tls, plain (without TLS, to this machine only) or plain-remote (without TLS to anywhere, without a password)." note:"A server that does not offer STARTTLS is refused, and so is one whose certificate is not for the host."`
	SMTPUser         string        `name:"smtp-user" group:"Mail:" env:"CHAVEIRO_SMTP_USER" help:"User at the mail server; with --smtp-password-file."`
	SMTPPasswordFile string        `name:"smtp-password-file" group:"Mail:" env:"CHAVEIRO_SMTP_PASSWORD_FILE" help:"File with the password of the user; it is read for each connection."`
	SMTPFrom         string        `name:"smtp-from" group:"Mail:" env:"CHAVEIRO_SMTP_FROM" help:"Sender of the letters, as chaveiro@example.com or \"Chaveiro <chaveiro@example.com>\"; needed with --smtp-host."`
	SMTPCA           string        `name:"smtp-ca" group:"Mail:" env:"CHAVEIRO_SMTP_CA" help:"PEM file of the CAs that may sign the certificate of the mail server (default: those of the system)."`
	SMTPHello        string        `name:"smtp-hello" group:"Mail:" env:"CHAVEIRO_SMTP_HELLO" help:"Name that the service gives itself at the mail server (default: localhost)."`
	MailInterval     time.Duration `name:"mail-interval" group:"Mail:" env:"CHAVEIRO_MAIL_INTERVAL" least:"1s" most:"24h" default:"5m" help:"Least time between two letters to a recipient; what happens meanwhile becomes one letter." note:"1 s to 24 h."`
}

// server is the mail server; without a host there is none.
func (c MailConfig) server() smtp.Server {
	return smtp.Server{
		Host: c.SMTPHost, Port: c.SMTPPort, Mode: smtp.Mode(c.SMTPMode), User: c.SMTPUser,
		PasswordFile: c.SMTPPasswordFile, From: c.SMTPFrom, CAFile: c.SMTPCA, Hello: c.SMTPHello,
	}
}

// Validate joins the faults of all fields.
func (c MailConfig) Validate() error {
	faults := faultsOfBounds(c)
	if c.SMTPHost == "" {
		if c.SMTPFrom+c.SMTPUser+c.SMTPPasswordFile != "" {
			faults = append(faults, errors.New("smtp-host is missing: the other settings of the mail server are of no use without it"))
		}
		if err := smtp.Mode(c.SMTPMode).Check(); err != nil {
			faults = append(faults, fmt.Errorf("smtp-%w", err))
		}
		return errors.Join(faults...)
	}
	if err := c.server().Check(); err != nil {
		for fault := range strings.SplitSeq(err.Error(), "\n") {
			faults = append(faults, errors.New("smtp-"+fault))
		}
	}
	return errors.Join(faults...)
}

// mailGauges report on the mail, for alarms. They use the state of this process, and ask nobody.
func (s *Server) mailGauges() []prometheus.Collector {
	post := s.Services.Post
	kinds := []string{"server", "deferred", "refused"}
	list := []prometheus.Collector{
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "chaveiro_mail_sent_total", Help: "Letters about events that the mail server has taken from this server.",
		}, func() float64 { return float64(post.Health().Sent) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "chaveiro_mail_waiting",
			Help: "Recipients for whom events wait to be mailed, where this server is the one that sends; otherwise 0.",
		}, func() float64 { return float64(post.Health().Waiting) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "chaveiro_mail_sender", Help: "1 where this server is the one of all replicas that sends the mail.",
		}, func() float64 {
			if post.Health().Leads {
				return 1
			}
			return 0
		}),
	}
	for _, kind := range kinds {
		list = append(list, prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "chaveiro_mail_failures_total",
			Help: "Attempts to mail that have failed: the mail server could not be used (server), has put the letter off " +
				"(deferred), or refuses the address for good (refused).",
			ConstLabels: prometheus.Labels{"reason": kind},
		}, func() float64 { return float64(post.Health().Failed[kind]) }))
	}
	return list
}
