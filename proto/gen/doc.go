// Package gen holds the stub generator: protoc-gen-aramid, and generate, which runs it with the other plugins.
// TestGeneratedCodeIsCurrent fails when a .proto file was changed without running proto/generate.sh.
package gen
