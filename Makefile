# SPDX-License-Identifier: Apache-2.0
.PHONY: test
test:
	cmake --preset dev && cmake --build --preset dev && ctest --preset dev
