#!/bin/sh
# Runs every test in a directory of its own and says which failed.
set -u
program=$(cd "$(dirname "$0")/.." && pwd)/bin/keep-newest
failed=0

backups() { # backups DAY...: makes a directory with a backup of each day
    directory=$(mktemp -d)
    for day in "$@"; do : > "$directory/backup-2026-11-$day.tar"; done
}

expect() { # expect WHAT WANTED SEEN
    if [ "$2" = "$3" ]; then
        echo "ok: $1"
    else
        echo "FAILED: $1: wanted [$2], saw [$3]"
        failed=1
    fi
    rm -rf "$directory"
}

left() { (cd "$directory" && echo *); }

backups 01 02 03
sh "$program" 2 "$directory"
expect "keeps the newest two" "backup-2026-11-02.tar backup-2026-11-03.tar" "$(left)"

backups 01
sh "$program" 5 "$directory"
expect "keeps all when there are fewer" "backup-2026-11-01.tar" "$(left)"

backups 01 02
sh "$program" two "$directory" 2> /dev/null
expect "refuses a count that is no number" "64" "$?"

backups 01 02
sh "$program" 0 "$directory" 2> /dev/null
expect "refuses to delete everything" "backup-2026-11-01.tar backup-2026-11-02.tar" "$(left)"

exit "$failed"
