#!/bin/sh
# Runs a program until standard input ends, so that it does not outlive whoever started it: with-input.sh PROGRAM [WORD...]
"$@" </dev/null &
child=$!
trap 'kill "$child" 2>/dev/null; wait "$child"' EXIT
trap 'exit 1' TERM INT
cat >/dev/null
