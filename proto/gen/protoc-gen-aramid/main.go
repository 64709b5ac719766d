// Command protoc-gen-aramid is the stub generator: for each service of a .proto file it writes a typed client, forwards, the handler
// interface, the dispatch over it and the method table; and for each request and reply message the register encoding
// (docs/servers.md, "The IDL"). It refuses what the rules exclude: maps in messages, handles in lists, forwarded methods whose reply
// has no word 0.
package main

import (
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/types/pluginpb"
)

func main() {
	protogen.Options{}.Run(func(p *protogen.Plugin) error {
		p.SupportedFeatures = uint64(pluginpb.CodeGeneratorResponse_FEATURE_PROTO3_OPTIONAL)
		for _, f := range p.Files {
			if !f.Generate {
				continue
			}
			// A state is journalled and compared as a request is, so it has no maps either.
			if err := orderly(f.Messages); err != nil {
				return err
			}
			if len(f.Services) == 0 {
				continue
			}
			if err := file(p, f); err != nil {
				return err
			}
		}
		return nil
	})
}
