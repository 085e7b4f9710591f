# Backup and restore. Part of tests/ctl/ctl_test.sh.
# shellcheck shell=bash disable=SC2034,SC2154

start saved
check "backup" 0 "the store with 0 packages" backup "$work/saved.tar"
is "a tar, its list first" test "$(tar -tf "$work/saved.tar" | head -1)" = mx2-backup.json
check "backup as JSON" 0 '"state": "ready"' backup "$work/again.tar" --output json
is "its digest" is_json 'd["sha256"] == __import__("hashlib").sha256(open(d["file"], "rb").read()).hexdigest()'
check "backup to where nothing can be" 1 "cannot be written" backup "$work/no/folder.tar"
check "backup from nobody" 3 "cannot connect" backup "$work/none.tar" --url http://127.0.0.1:1
is_not "and no file is left" test -e "$work/none.tar"
check "restore: while it runs" 1 "stop it first" restore "$work/saved.tar" --store "$work/saved.sqlite" --overwrite
check "restore: without a store" 2 "--store is required" restore "$work/saved.tar"
check "restore: without a file" 2 "either a FILE" restore --store "$work/new.sqlite"
check "restore: no such file" 1 "cannot be opened" restore "$work/none.tar" --store "$work/new.sqlite"
tar -cf "$work/other.tar" -C "$root/tests" check_layers
check "restore: no backup" 1 "is no backup" restore "$work/other.tar" --store "$work/new.sqlite"
is_not "nothing was made" test -e "$work/new.sqlite"
check "restore" 0 "start the orchestrator" restore "$work/saved.tar" --store "$work/new.sqlite"
check "restore: what is there" 1 "--overwrite" restore "$work/saved.tar" --store "$work/new.sqlite"
check "restore --overwrite" 0 "what was there is" restore "$work/saved.tar" --store "$work/new.sqlite" --overwrite
check "restore --as-is" 0 "new epoch" restore --as-is --store "$work/new.sqlite"
