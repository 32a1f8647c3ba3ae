// Command chaveiro is the service and its administration.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/telemetry"
)

type cli struct {
	Serve      serve             `cmd:"" help:"Run the server."`
	Migrate    migrate           `cmd:"" help:"Manage the schema of the database."`
	CA         caCommands        `cmd:"" name:"ca" help:"Manage certificate authorities."`
	Client     clientCommands    `cmd:"" help:"Manage site-to-site clients: their certificates and keys."`
	Cert       certCommands      `cmd:"" help:"Manage single certificates: of servers, of clients, and those made elsewhere."`
	CRL        crlCommands       `cmd:"" name:"crl" help:"Fetch, look at and take over revocation lists."`
	Instance   instanceCommands  `cmd:"" help:"Manage OpenVPN servers."`
	Model      modelCommands     `cmd:"" help:"Manage models of the configurations of OpenVPN servers."`
	Plan       plan              `cmd:"" help:"Print the IP plan of an OpenVPN server: its networks, who has what, and what is free."`
	Campaign   campaignCommands  `cmd:"" help:"Bring the sites of an OpenVPN instance over to new profiles."`
	Enrol      enrol             `cmd:"" help:"Enrol this machine as a site by a link: make its key, fetch its profile, start OpenVPN."`
	Agent      agentCommands     `cmd:"" help:"Keep the OpenVPN servers of this machine as the service has them."`
	Mail       mailCommands      `cmd:"" help:"Manage to whom events are mailed."`
	Import     importCommands    `cmd:"" help:"Take over the PKI of easy-rsa or OpenVPN UI, or of any directory of certificates."`
	Export     exportCommands    `cmd:"" help:"Write what another program can go on with."`
	Role       roleCommands      `cmd:"" help:"Manage roles."`
	User       userCommands      `cmd:"" help:"Manage users."`
	Apikey     apikey            `cmd:"" help:"Manage apikeys."`
	SigningKey signingKey        `cmd:"" name:"signing-key" help:"Manage the keys that access tokens are signed with."`
	Audit      auditCommands     `cmd:"" help:"List, check and prune the audit."`
	Webhook    webhookCommands   `cmd:"" help:"Manage webhooks: addresses that events are posted to."`
	Device     device            `cmd:"" help:"Import and export the devices of the vault."`
	Backup     backup            `cmd:"" help:"Write a backup of the SQLite database to a file; the server may be running."`
	Restore    restore           `cmd:"" help:"Put a backup in the place of the SQLite database, or accept a restored PostgreSQL database."`
	Copy       copyDatabase      `cmd:"" help:"Copy a database to a new one: SQLite to PostgreSQL, or back."`
	Database   databaseCommands  `cmd:"" help:"Look at the database."`
	MasterKey  masterKeyCommands `cmd:"" name:"master-key" help:"Change the key that everything in the database is sealed with."`
	Doctor     doctor            `cmd:"" help:"Look at everything that an operator has to keep in order, and say what to do."`
	Completion completion        `cmd:"" help:"Print the script that completes commands and flags in a shell."`
	Man        man               `cmd:"" help:"Print the manual page, for man -l."`
	Version    version           `cmd:"" help:"Print the version."`

	Config       kong.ConfigFlag  `env:"CHAVEIRO_CONFIG" placeholder:"FILE" help:"YAML file of settings, by their names. Flags and environment variables take precedence over it."`
	PrintVersion kong.VersionFlag `name:"version" help:"Print the version and exit."`
}

func main() {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP) // closing the terminal must not end a command
	ctx := untilSignal()
	if words, ok := toComplete(os.Args[1:]); ok {
		printCandidates(os.Stdout, newParser(new(cli)).Model.Node, words)
		return
	}
	args := helpAsFlag(os.Args[1:])
	parser := newParser(new(cli), named(args),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind((<-chan os.Signal)(hangups)))
	parsed, err := parser.Parse(args)
	if err != nil {
		misused(parser, err)
	}
	if err := parsed.Run(); err != nil {
		parser.Errorf("%s", err)
		os.Exit(exitCode(err))
	}
}

func newParser(commands *cli, options ...kong.Option) *kong.Kong {
	return kong.Must(commands,
		append(options, kong.Name("chaveiro"), kong.Vars{"version": versionText()}, kong.Configuration(readConfigFile),
			durations(), readers(),
			kong.Description(
				"Keeps the keys of a network: certificates of OpenVPN site-to-site clients, apikeys and users.",
			))...)
}

// misused prints what is wrong with the command line and which help to read, and exits.
func misused(parser *kong.Kong, err error) {
	command := ""
	if parse, ok := errors.AsType[*kong.ParseError](err); ok && parse.Context != nil {
		command = parse.Context.Command()
	}
	name, _, _ := strings.Cut(command, "<") // without the arguments
	fmt.Fprintf(os.Stderr, "Try: %s --help\n", strings.TrimSpace("chaveiro "+name))
	parser.Errorf("%s", err)
	os.Exit(usageCode)
}

// helpAsFlag turns "help" and "help user create" into the flag --help of the command.
func helpAsFlag(args []string) []string {
	if len(args) == 0 || args[0] != "help" {
		return args
	}
	return append(slices.Clone(args[1:]), "--help")
}

// untilSignal returns a context that the first signal ends. The second one ends the process at
// once.
func untilSignal() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		signal.Stop(signals) // before cancel: once the first signal shows, a second one ends the process
		cancel()
	}()
	return ctx
}

type serve struct{ app.Config }

// Run serves until a signal ends the server.
func (c *serve) Run(ctx context.Context, hangups <-chan os.Signal) error {
	c.MasterKey, c.Hangups, c.Level = masterKey(), hangups, &slog.LevelVar{}
	c.Level.Set(c.LogLevel)
	return app.Run(ctx, c.Config, telemetry.NewLog(os.Stderr, c.LogFormat, c.Level))
}

// masterKey returns the text of the master key, if it is in the environment, and removes it from
// there, so that no child process inherits it.
func masterKey() string {
	const name = "CHAVEIRO_MASTER_KEY"
	defer os.Unsetenv(name)
	return os.Getenv(name)
}

func logger(level slog.Leveler) *slog.Logger {
	return telemetry.NewLog(os.Stderr, telemetry.JSON, level)
}

type version struct{}

// Run prints the version that the binary was built from.
func (version) Run() error {
	_, err := fmt.Println(versionText())
	return err
}

func versionText() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return describe(info)
}

func versionOf(info *debug.BuildInfo) string { return cmp.Or(info.Main.Version, "(unknown)") }

// buildVersion is the version of this program.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return versionOf(info)
}

// describe is a build in words: its version, the commit and the date of it, and the version of Go.
// A build outside of a repository has neither commit nor date.
func describe(info *debug.BuildInfo) string {
	vcs := map[string]string{}
	for _, setting := range info.Settings {
		vcs[setting.Key] = setting.Value
	}
	text := "chaveiro " + versionOf(info)
	if commit := vcs["vcs.revision"]; commit != "" {
		text += ", commit " + commit[:min(len(commit), 12)]
		if vcs["vcs.modified"] == "true" {
			text += " with changes"
		}
	}
	if date := vcs["vcs.time"]; date != "" {
		text += ", " + date
	}
	return text + ", " + cmp.Or(info.GoVersion, "an unknown Go")
}
