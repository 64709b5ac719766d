// Package options holds the options of Aramid's IDL (options.proto, docs/servers.md).
package options
