# Aramid. `make help` says what there is.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

SERVERS := rootd mmd procd vfsd netd linuxabi probe
GOBUILD := CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w"
# Debian packages that the build and the tests use, each with a file that shows that it is there.
DEPS := qemu-system-x86=/usr/bin/qemu-system-x86_64 protobuf-compiler=/usr/bin/protoc busybox-static=/bin/busybox gcc=/usr/bin/gcc libc6-dev=/usr/lib/x86_64-linux-gnu/libc.a \
        mmdebstrap=/usr/bin/mmdebstrap uidmap=/usr/bin/newuidmap
SOURCES := $(shell find boot linuxabi proto servers ukernel -name '*.go' -o -name '*.s' -o -name '*.proto') boot/manifest go.mod
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
T0 = date +%s
# What is compiled does not depend on the directory, so that another clone finds it in go's cache.
export GOFLAGS += -trimpath -buildvcs=false
# Nor on a C compiler; and no package is compiled both with cgo and without.
export CGO_ENABLED := 0
# Checks and host tests are half as long where Go may leave its garbage a while.
ROOMY := GOGC=400
LONG := ./itest/distro ./itest/system
ALONE := ./itest/boot ./itest/kernel ./itest/restart

.PHONY: help deps image rootfs run test host-test host-checks qemu-test lint vet staticcheck soak kcheck bench clean gdb

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' Makefile

deps: ## install the Debian packages that are missing
	@missing=(); for d in $(DEPS); do [ -e "$${d#*=}" ] || missing+=("$${d%%=*}"); done; \
	if [ $${#missing[@]} -gt 0 ]; then echo "deps: installing $${missing[*]}"; \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -q -y --no-install-recommends "$${missing[@]}" >/dev/null; \
	  echo "deps: done"; fi

image: deps build/aramid.img build/aramid build/userland.cpio ## build/aramid.img, build/aramid and the built-in userland

build/servers/.done: $(SOURCES)
	@mkdir -p build/servers
	@echo "image: servers"
	@rm -f build/servers/*
	@$(GOBUILD) -o build/servers/ ./servers/rootd ./servers/rootd/probe ./servers/mmd ./servers/procd ./servers/vfsd ./servers/netd ./linuxabi
	@cp boot/manifest build/servers/manifest
	@touch $@

build/aramid.img: build/servers/.done
	@echo "image: kernel"
	@go run ./boot/mkimage -o $@ $(foreach s,$(SERVERS) manifest,$(s)=build/servers/$(s))

build/aramid: $(SOURCES)
	@mkdir -p build
	@$(GOBUILD) -o $@ ./boot/aramid

build/userland.cpio: boot/userland/commands.go boot/userland/userland.go go.mod
	@go run ./boot/mkuserland -o $@ && touch -c $@

build/mkrootfs: $(SOURCES)
	@mkdir -p build
	@go build -o $@ ./boot/mkrootfs

rootfs: deps build/mkrootfs ## build/debian-12.erofs, from this machine's Debian sources; cached outside the clone
	@build/mkrootfs -o build/debian-12.erofs

run: image rootfs ## boot Debian 12: systemd, and a shell on the terminal; `systemctl poweroff` ends it
	@build/aramid run --root build/debian-12.erofs --append systemd.unit=aramid-console.target

test: deps ## everything: host tests, then QEMU
	@start=$$($(T0)); $(MAKE) --no-print-directory -j3 host-checks rootfs; $(MAKE) --no-print-directory qemu-test; \
	echo "make test: passed in $$(( $$($(T0)) - start )) s"

lint: vet staticcheck ## go vet, staticcheck, gofmt (that generated code is fresh is a test of proto/gen)

# What compiles comes one after the other as far as it compiles the same: the later finds it in go's cache. vet compiles the most.
host-checks: vet
	@$(MAKE) --no-print-directory staticcheck host-test image

vet: | build/mkrootfs
	@echo "vet"; bad=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$bad" ] || { echo "not gofmt-ed: $$bad"; exit 1; }
	@$(ROOMY) go vet ./...

staticcheck:
	@echo "staticcheck"; export $(ROOMY); go run $(STATICCHECK) ./... && go run $(STATICCHECK) -tags ukernel -tests=false -checks inherit,-U1000 ./ukernel/{arch,frame,object,vm,sched,ipc,syscall,ktrace,main}/...

host-test: ## tests that need no QEMU
	@echo "host tests"; $(ROOMY) go test -vet=off -timeout 10m $$(go list ./... | grep -v '^aramid/itest')

# What measures wall time or keeps all CPUs busy runs alone; the others two at a time, the long ones first, and machines of more processors in one thread.
qemu-test: image rootfs ## tests in QEMU and of the whole system
	@echo "system tests"; status=0; \
	go test -vet=off -p 1 -timeout 15m $(ALONE) || status=1; \
	GOMAXPROCS=1 go test -vet=off -p 2 -timeout 30m $(LONG) $$(go list ./itest/... | grep -vFx "$$(go list $(ALONE) $(LONG))") || status=1; \
	exit $$status

kcheck: build/aramid.img ## prove the kernel's rules and print the report
	@go run ./ukernel/kcheck/cmd/kcheck build/kernel.elf

# What the long counts are of. A guest with as many processors as the machine has nothing beside it: its processors would spin for each other's time slices.
SOAK := Soak|Storm|Load|SystemCalls|Mapping|Damaged|Killed|InARow
soak: image rootfs ## the long counts (an hour and a half on two idle cores); prints a tally
	@{ soak() { ARAMID_SOAK=1 go test -count=1 -timeout 5h -v -run '$(SOAK)' "$$@"; }; status=0; \
	  soak -p 1 ./itest/restart ./itest/kernel || status=1; \
	  GOMAXPROCS=1 soak ./itest/storm & soak ./itest/system || status=1; wait $$! || status=1; \
	  soak ./itest/distro || status=1; \
	  exit $$status; \
	} 2>&1 | tee build/soak.log | grep --line-buffered -E 'tally|seeds, |kills|CPUs|^(---|FAIL|ok|panic)'

bench: image rootfs ## the tables of figures, one of them against Debian's Linux, and build/bench.json
	@go run ./itest/bench

clean: ## remove what was built
	rm -rf build

gdb: build/aramid.img ## boot with a gdb server on :1234 and symbols in build/kernel.elf
	@echo "in another terminal: gdb build/kernel.elf -ex 'target remote :1234'"
	@qemu-system-x86_64 -accel tcg -cpu max -m 512 -nodefaults -display none -serial stdio -debugcon file:build/gdb.log \
	  -append log=debugcon -kernel build/aramid.img -s -S
