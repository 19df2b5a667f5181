# SPDX-License-Identifier: Apache-2.0
# Everything a user or a developer runs. Each target installs what is missing
# (deploy/setup.sh), builds what it needs and does its work; no other step.
#
#   make demo    a coordinator and a dozen client processes train on real data
#   make test    every test, short counts
#   make soak    the full counts; interrupt and run again to go on
#   make bench   figures beside their limits, into build/bench.json
#   make reproduce DATA=FOLDER    the FedAvg paper's rounds to its targets (MNIST)
#   make strategies DATA=FOLDER   every strategy on three public data sets
#   make asan    the tests under AddressSanitizer and UBSan
#   make tsan    the tests under ThreadSanitizer
#   make fuzz    each decoder under libFuzzer for a minute (SECONDS_EACH=60)
#   make install PREFIX=/usr/local
.PHONY: demo test soak bench reproduce strategies asan tsan fuzz \
	install clean help
.DEFAULT_GOAL := help

PREFIX ?= /usr/local
PROGRAMS := tributary-coordinator tributaryctl tributary-client \
	tributary-model tributary-simulate

help:
	@sed -n '2,16s/^# \{0,1\}//p' Makefile

demo:
	@deploy/setup.sh
	@deploy/build.sh dev -DTRIBUTARY_TESTS=OFF -- $(PROGRAMS)
	@deploy/demo.sh build/dev/bin

test:
	@deploy/setup.sh --test
	@deploy/build.sh dev -DTRIBUTARY_TESTS=ON
	ctest --preset dev --parallel 2

soak:
	@deploy/setup.sh --test
	@deploy/build.sh dev -DTRIBUTARY_TESTS=ON
	@deploy/soak.sh build/dev

bench:
	@deploy/setup.sh --bench
	@deploy/build.sh release
	@deploy/bench.sh build/release/bin build/bench.json

# DATA: the folder that holds mnist/ (and hapt/, cwru/); default ../shared/data.
reproduce strategies:
	@deploy/setup.sh
	@deploy/build.sh release -DTRIBUTARY_BENCH=OFF -- tributary-simulate
	@deploy/$@.sh build/release/bin $(DATA)

asan tsan:
	@deploy/setup.sh --test
	@deploy/build.sh $@
	ctest --preset $@ --parallel 2

SECONDS_EACH ?= 60
fuzz:
	@deploy/setup.sh --test
	@deploy/build.sh fuzz -DTRIBUTARY_FUZZ_SECONDS=$(SECONDS_EACH)
	ctest --preset fuzz --parallel 2

install:
	@deploy/setup.sh
	@deploy/build.sh release -DTRIBUTARY_BENCH=OFF
	cmake --install build/release --prefix $(PREFIX)

clean:
	rm -rf build
