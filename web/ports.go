package web

import (
	"samara/web/admin"
	"samara/web/client"
	"samara/web/openai"
)

// What the server calls; package daemon implements these.
type (
	// Catalog is the registry with what the daemon does to it.
	Catalog = admin.Catalog
	// Transfers are the running and finished fetches.
	Transfers = admin.Transfers
	// Events hands out what changes.
	Events = admin.Events
	// Event says that something changed.
	Event = admin.Event
	// System knows the process and the machine.
	System = admin.System
)

// A Generator is the engine: it answers prompts and says what is loaded.
type Generator interface {
	openai.Generator
	admin.Engine
}

// The values that the interfaces exchange are those of the API.
type (
	Version        = client.Version
	VersionDetail  = client.VersionDetail
	VersionList    = client.VersionList
	File           = client.File
	Facts          = client.Facts
	Source         = client.Source
	SourceFile     = client.SourceFile
	Transfer       = client.Transfer
	TransferFile   = client.TransferFile
	AddRequest     = client.AddRequest
	PeekRequest    = client.PeekRequest
	Peek           = client.Peek
	PublishRequest = client.PublishRequest
	PublishEvent   = client.PublishEvent
	PublishResult  = client.PublishResult
	VerifyReport   = client.VerifyReport
	BadRange       = client.BadRange
	GCRequest      = client.GCRequest
	GCResult       = client.GCResult
	Log            = client.Log
	LogEntry       = client.LogEntry
	Check          = client.Check
	DoctorReport   = client.DoctorReport
	SystemInfo     = client.SystemInfo
	EngineModel    = client.EngineModel
	Error          = client.Error
)
