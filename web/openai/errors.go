package openai

import (
	"errors"
	"fmt"

	"samara/registry"
	"samara/web/client"
)

// A fieldError refuses one field of a request.
type fieldError struct {
	op, param, code, problem string
}

func (e *fieldError) Error() string { return e.op + ": field " + e.param + ": " + e.problem }

// Code is invalid_request or unsupported.
func (e *fieldError) Code() string { return e.code }

// badField refuses a value that makes no sense.
func badField(op, param, format string, args ...any) error {
	return &fieldError{op, param, client.CodeInvalidRequest, fmt.Sprintf(format, args...)}
}

// unsupported refuses what a client may ask of others, but not of Samara.
func unsupported(op, param, format string, args ...any) error {
	return &fieldError{op, param, client.CodeUnsupported, fmt.Sprintf(format, args...)}
}

// A modelError says that a model is not here.
type modelError struct {
	name  string
	cause error
}

func unknownModel(name string, cause error) error { return &modelError{name, cause} }

func (e *modelError) Error() string {
	const most = 200
	name := e.name
	if len(name) > most {
		name = name[:most] + "…"
	}
	if e.cause != nil {
		return fmt.Sprintf("find model %q: %v", name, e.cause)
	}
	return fmt.Sprintf("find model %q: not found", name)
}

// Code is OpenAI's own word for it.
func (e *modelError) Code() string { return client.CodeModelNotFound }

// Hint says how to see what is there.
func (e *modelError) Hint() string {
	return `"samara ls" lists what there is, as GET /v1/models does; a path starts with / . or ~`
}

// fromGenerator names an error of the Generator as OpenAI would.
func fromGenerator(name string, err error) error {
	var coder client.Coder
	var reference *registry.ReferenceError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &reference):
		return unknownModel(name, err)
	case errors.As(err, &coder) && coder.Code() == client.CodeNotFound:
		return unknownModel(name, nil)
	}
	return err
}

type errorBody struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    string  `json:"code"`
	Hint    string  `json:"hint,omitempty"`
}

type errorEnvelope struct {
	Error errorBody `json:"error"`
}

// ErrorBody returns e in OpenAI's shape: {"error": {message, type, param,
// code}}, with the hint beside them.
func ErrorBody(e *client.Error) any {
	body := errorBody{Message: e.Message, Type: e.Type, Code: e.Code, Hint: e.Hint}
	var field *fieldError
	var model *modelError
	switch {
	case errors.As(e, &field):
		body.Param = &field.param
	case errors.As(e, &model):
		param := "model"
		body.Param = &param
	}
	return errorEnvelope{body}
}
