#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs a Python test: run_python_test.sh TEST.py ARG...
exec python3 "$@"
