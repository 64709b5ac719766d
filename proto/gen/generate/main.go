// Command generate writes the Go code of proto/*/*.proto: messages (protoc-gen-go), marshalling (protoc-gen-go-vtproto) and
// stubs (protoc-gen-aramid). It is run from anywhere in the module: go run aramid/proto/gen/generate.
//
// It needs protoc (Debian's protobuf-compiler); the plugins are built at the versions go.mod pins, and descriptor.proto comes
// from the protobuf module, so that its Debian package is not needed. Running it again changes nothing.
package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
)

// optionsProto needs only protoc-gen-go: the other plugins read its generated code.
const optionsProto = "proto/options/options.proto"

var plugins = []string{
	"google.golang.org/protobuf/cmd/protoc-gen-go",
	"github.com/planetscale/vtprotobuf/cmd/protoc-gen-go-vtproto",
	"aramid/proto/gen/protoc-gen-aramid",
}

func main() {
	out := flag.String("out", "", "write below this folder instead of the module's root")
	flag.Parse()
	if err := run(*out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// run generates the named .proto files (paths from the module's root), or all of them.
func run(out string, files []string) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	if out == "" {
		out = root
	}
	tmp, err := os.MkdirTemp("", "aramid-generate")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if len(files) == 0 {
		if files, err = protoFiles(root); err != nil {
			return err
		}
	}
	g := generator{root: root, tmp: tmp, out: out}
	if err := g.descriptors(); err != nil {
		return err
	}
	if err := g.protoc([]string{optionsProto}, plugins[:1]); err != nil {
		return err
	}
	return g.protoc(files, plugins)
}

func moduleRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(out))), nil
}

// protoFiles finds every .proto file of the module but options.proto.
func protoFiles(root string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "build" || strings.HasPrefix(d.Name(), ".") && name != "."):
			return filepath.SkipDir
		case strings.HasSuffix(name, ".proto") && name != optionsProto:
			files = append(files, name)
		}
		return nil
	})
	sort.Strings(files)
	return files, err
}

// generator runs protoc in the module's root with tools and includes from tmp.
type generator struct {
	root, tmp, out string
}

func (g *generator) set() string { return filepath.Join(g.tmp, "descriptors") }

// descriptors writes google/protobuf/descriptor.proto as a descriptor set that protoc can import from.
func (g *generator) descriptors() error {
	file := protodesc.ToFileDescriptorProto(descriptorpb.File_google_protobuf_descriptor_proto)
	b, err := proto.Marshal(&descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{file}})
	if err != nil {
		return err
	}
	return os.WriteFile(g.set(), b, 0o644)
}

// protoc builds the plugins and runs them, one package's files at a time as protoc-gen-go wants it.
func (g *generator) protoc(files, plugins []string) error {
	args := []string{"build", "-o", g.tmp + "/"}
	build := exec.Command("go", append(args, plugins...)...)
	build.Dir = g.root
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building plugins: %w\n%s", err, out)
	}
	for _, file := range files {
		args := []string{"--descriptor_set_in=" + g.set(), "-I", "."}
		for _, p := range plugins {
			name := strings.TrimPrefix(filepath.Base(p), "protoc-gen-")
			args = append(args,
				"--plugin=protoc-gen-"+name+"="+filepath.Join(g.tmp, filepath.Base(p)),
				"--"+name+"_out="+g.out, "--"+name+"_opt=module=aramid")
			if name == "go-vtproto" {
				args = append(args, "--go-vtproto_opt=features=marshal+unmarshal+unmarshal_unsafe+size")
			}
		}
		cmd := exec.Command("protoc", append(args, file)...)
		cmd.Dir = g.root
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", file, err, out)
		}
	}
	return nil
}
