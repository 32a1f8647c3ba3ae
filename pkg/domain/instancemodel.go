package domain

import (
	"context"
	"errors"
	"time"
)

// MaxTemplate is the length of a model's template, in characters.
const MaxTemplate = 65536

// InstanceModel is a template of the configuration of an OpenVPN server, as text/template.
type InstanceModel struct {
	ID        int64
	Name      string
	Template  string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Validate joins the faults of all fields. Whether the template renders is for package openvpn.
func (m InstanceModel) Validate() error {
	var template error
	if m.Template == "" {
		template = Fault(Required, "template", ReasonRequired)
	}
	return errors.Join(
		checkName("name", m.Name), template, checkText("template", m.Template, MaxTemplate, true),
	)
}

// InstanceModelUpdate is a partial change: nil is unchanged.
type InstanceModelUpdate struct {
	Name     *string
	Template *string
}

// Apply changes m, or says which fields are at fault and leaves m in an undefined state.
func (u InstanceModelUpdate) Apply(m *InstanceModel) error {
	setName(&m.Name, u.Name)
	set(&m.Template, u.Template)
	return m.Validate()
}

// InstanceModels keeps the models. A name is unique regardless of case.
//
// The group InstanceModels of the suite tests it.
type InstanceModels interface {
	// Page returns one page of all models, by ascending id. See PageRequest for its bounds.
	Page(ctx context.Context, page PageRequest) (Page[InstanceModel], error)
	// Get returns one model. Errors: Missing.
	Get(ctx context.Context, id int64) (InstanceModel, error)
	// Lock is a Get after which no other transaction can change or delete the model until this one
	// ends. Errors: Missing.
	Lock(ctx context.Context, id int64) (InstanceModel, error)
	// Create stores m and sets m.ID. Errors: Duplicated on name.
	Create(ctx context.Context, m *InstanceModel) error
	// Update stores all but the creation. Errors: Missing; Duplicated on name.
	Update(ctx context.Context, m InstanceModel) error
	// Delete removes a model. Errors: Missing; Rule on id with ReasonInUse when an instance has it.
	Delete(ctx context.Context, id int64) error
}
