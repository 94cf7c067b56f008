#!/bin/sh
# What is profiled, in a guest and on the host: two programs of known shares at once, one of them
# without frame pointers, then processes that live for some milliseconds.
# Usage: work.sh FOLDER SECONDS, of CPU time for each of the two: a busy machine needs longer for it.
(ulimit -t "$2"; exec "$1/matrix-burn" 3600) & first=$!
(ulimit -t "$2"; exec "$1/matrix-bare" 3600) & second=$!
wait $first $second
echo "@@ burned"
for round in $(seq 100); do
  "$1/matrix-short" 0.03 & first=$!
  "$1/matrix-short" 0.03 & second=$!
  wait $first $second
done
echo "@@ churned"
