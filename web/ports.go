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
	// Version is a tag and the version that it names.
	Version = client.Version
	// VersionDetail is one version with its files and its magnet.
	VersionDetail = client.VersionDetail
	// VersionList is one page of versions.
	VersionList = client.VersionList
	// File is one file of a version.
	File = client.File
	// Facts is what the headers of a version's files say.
	Facts = client.Facts
	// Source is where a version's files lie on this machine.
	Source = client.Source
	// SourceFile is one of them.
	SourceFile = client.SourceFile
	// Transfer is one running or finished fetch.
	Transfer = client.Transfer
	// TransferFile is one file of it.
	TransferFile = client.TransferFile
	// AddRequest asks for a transfer.
	AddRequest = client.AddRequest
	// PeekRequest asks what a link holds.
	PeekRequest = client.PeekRequest
	// Peek is what it holds.
	Peek = client.Peek
	// PublishRequest asks to publish a local path.
	PublishRequest = client.PublishRequest
	// PublishEvent is how far that has come.
	PublishEvent = client.PublishEvent
	// PublishResult is what came of it.
	PublishResult = client.PublishResult
	// VerifyReport is what hashing a version again found.
	VerifyReport = client.VerifyReport
	// BadRange is bytes that are not what their digest names.
	BadRange = client.BadRange
	// GCRequest asks to delete what no version names.
	GCRequest = client.GCRequest
	// GCResult is what was deleted.
	GCResult = client.GCResult
	// Log is a stretch of the journal.
	Log = client.Log
	// LogEntry is one entry of it.
	LogEntry = client.LogEntry
	// Check is one finding about the daemon.
	Check = client.Check
	// DoctorReport is all findings.
	DoctorReport = client.DoctorReport
	// SystemInfo is facts of the process.
	SystemInfo = client.SystemInfo
	// EngineModel is a model in memory.
	EngineModel = client.EngineModel
	// Error is what went wrong.
	Error = client.Error
)
