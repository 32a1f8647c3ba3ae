package main

import (
	"context"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type modelCommands struct {
	List     modelList     `cmd:"" help:"List the models of configurations."`
	Show     modelShow     `cmd:"" help:"Show a model."`
	Template modelTemplate `cmd:"" help:"Write the template of a model."`
	Default  modelDefault  `cmd:"" help:"Write the template of the default model, as a beginning for one of your own."`
	Create   modelCreate   `cmd:"" help:"Create a model of a template, and show it."`
	Update   modelUpdate   `cmd:"" help:"Change a model, and show it."`
	Delete   modelDelete   `cmd:"" help:"Delete a model that no instance has."`
}

func modelKind(s *service.Services) kind[domain.InstanceModel] {
	return kind[domain.InstanceModel]{
		what: "model", get: s.InstanceModels.Get,
		page: func(
			ctx context.Context, _ string, request domain.PageRequest,
		) (domain.Page[domain.InstanceModel], error) {
			return s.InstanceModels.Page(ctx, request)
		},
		identity: func(m domain.InstanceModel) (int64, string) { return m.ID, m.Name },
	}
}

// modelID finds the model that an argument names. The default one, which is no record, is 0; a
// record of that name goes before it.
func modelID(ctx context.Context, s *service.Services, argument string) (*int64, error) {
	id, err := modelKind(s).id(ctx, argument)
	if err != nil && exitCode(err) == notFoundCode && strings.EqualFold(argument, s.InstanceModels.Default().Name) {
		return new(int64), nil
	}
	return &id, err
}

type modelList struct {
	app.StorageConfig
	form
}

// Run lists the models.
func (c *modelList) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "model list", func(ctx context.Context, s *service.Services) error {
		return list(ctx, c.form, s.InstanceModels.Page, modelRecordOf)
	})
}

type modelShow struct {
	app.StorageConfig
	form
	Model string `arg:"" help:"Name or id of the model."`
}

// Run shows a model.
func (c *modelShow) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "model show", modelKind, c.Model,
		func(_ context.Context, _ *service.Services, m domain.InstanceModel) error {
			return show(c.form, modelRecordOf(m))
		})
}

type modelTemplate struct {
	app.StorageConfig
	outFile
	Model string `arg:"" help:"Name or id of the model."`
}

// Run writes the template.
func (c *modelTemplate) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "model template", modelKind, c.Model,
		func(_ context.Context, _ *service.Services, m domain.InstanceModel) error {
			return c.fetch(func() ([]byte, error) { return []byte(m.Template), nil })
		})
}

type modelDefault struct {
	app.StorageConfig
	outFile
}

// Run writes the template of the default model.
func (c *modelDefault) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "model default", func(_ context.Context, s *service.Services) error {
		return c.fetch(func() ([]byte, error) { return []byte(s.InstanceModels.Default().Template), nil })
	})
}

type modelCreate struct {
	app.StorageConfig
	form
	Name     string `required:"" help:"Name of the model."`
	Template string `required:"" placeholder:"FILE" help:"File with the template of server.conf, in the language of Go's text/template."`
}

// Run creates the model.
func (c *modelCreate) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "model create", func(ctx context.Context, s *service.Services) error {
		template, err := readInput(c.Template)
		if err != nil {
			return err
		}
		m, err := s.InstanceModels.Create(ctx, domain.InstanceModel{Name: c.Name, Template: string(template)})
		if err != nil {
			return err
		}
		return show(c.form, modelRecordOf(m))
	})
}

type modelUpdate struct {
	app.StorageConfig
	form
	Name     *string `help:"Another name."`
	Template string  `placeholder:"FILE" help:"File with another template. Every instance that has the model has to render with it."`
	Model    string  `arg:"" help:"Name or id of the model."`
}

// Run changes the model.
func (c *modelUpdate) Run(ctx context.Context) error {
	return update(ctx, c.StorageConfig, "model update", modelKind, c.Model, c.asked,
		func(
			ctx context.Context, s *service.Services, m domain.InstanceModel, change domain.InstanceModelUpdate,
		) error {
			changed, err := s.InstanceModels.Update(ctx, m.ID, change)
			if err != nil {
				return err
			}
			return show(c.form, modelRecordOf(changed))
		})
}

func (c *modelUpdate) asked(context.Context, *service.Services) (domain.InstanceModelUpdate, error) {
	template, err := textOf(c.Template, false)
	return domain.InstanceModelUpdate{Name: c.Name, Template: template}, err
}

type modelDelete struct {
	app.StorageConfig
	confirmation
	Model string `arg:"" help:"Name or id of the model."`
}

// Run deletes the model.
func (c *modelDelete) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "model delete", modelKind, c.Model,
		func(ctx context.Context, s *service.Services, m domain.InstanceModel) error {
			if err := c.confirm(ctx, "Delete %s?", modelKind(s).call(m)); err != nil {
				return err
			}
			return s.InstanceModels.Delete(ctx, m.ID)
		})
}
