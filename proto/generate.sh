#!/bin/sh
# Writes the generated code of every .proto file; see proto/gen/generate.
exec go run aramid/proto/gen/generate "$@"
