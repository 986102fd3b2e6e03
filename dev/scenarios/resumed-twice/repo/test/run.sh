#!/bin/sh
# Runs bin/days-left and compares what it prints.
cd "$(dirname "$0")/.." || exit 1
failed=0

expect() {
  found=$(sh bin/days-left "$1" "$2")
  if [ "$found" != "$3" ]; then
    echo "days-left $1 $2: expected \"$3\", found \"$found\""
    failed=1
  fi
}

expect 20000 20030 "30 days left"
expect 20000 20000 "expired"
expect 20000 19990 "expired"
exit $failed
