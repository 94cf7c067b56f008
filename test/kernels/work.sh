#!/bin/sh
# What is profiled, in a guest and on the host: two programs of known shares at once, one of them
# without frame pointers, then processes that live for some milliseconds.
# Usage: work.sh FOLDER SECONDS
"$1/matrix-burn" "$2" & first=$!
"$1/matrix-bare" "$2" & second=$!
wait $first $second
echo "@@ burned"
for round in $(seq 100); do
  "$1/matrix-short" 0.03 & first=$!
  "$1/matrix-short" 0.03 & second=$!
  wait $first $second
done
echo "@@ churned"
