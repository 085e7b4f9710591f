# Import and export of the table; output that cannot be written. Part of tests/ctl/ctl_test.sh.
# shellcheck shell=bash disable=SC2034,SC2154

start transfer

python3 - "$work" <<'PY'
import csv, random, sys
random.seed(7)
reasons = ["", "plain", 'said "no", twice', " edges ", "two\nlines", "naïve 東京 🚗", ",,,", '"', "a\r\nb"]
rows = []
for i in range(20000):
    ue = [f"dev:ue-{i}", f"dev:odd, \"{i}\"", f"ip:10.{i >> 16}.{i >> 8 & 255}.{i & 255}"][i % 3]
    targets = random.choice(["host:cloud", "host:mec-north host:cloud", "endpoint:http://[::1]:9/a,b"])
    rows.append([ue, random.choice(["facedetect-1", "objtrack-1"]), targets,
                 random.choice(["operator", "optimizer"]), random.choice(reasons)])
with open(sys.argv[1] + "/rows.csv", "w", newline="", encoding="utf-8") as f:
    w = csv.writer(f)
    w.writerow(["ue", "app", "targets", "writer", "reason"])
    w.writerows(rows)
PY
same_rows() { python3 - "$1" "$2" <<'PY'
import csv, sys
a, b = ([tuple(r) for r in csv.reader(open(p, newline="", encoding="utf-8"))] for p in sys.argv[1:])
assert len(b) == 20001 and a[0] == b[0] and sorted(a) == sorted(b)
PY
}
clear_table() {
  ctl table export "$work/all.ndjson" &&
    sed 's/^{/{"remove":true,/' "$work/all.ndjson" > "$work/remove.ndjson" &&
    ctl table import "$work/remove.ndjson"
}
is "clear the table" clear_table
check "import: 20000 rows of CSV" 0 "20000 rows imported in" table import "$work/rows.csv"
is "no progress without a terminal" test ! -s "$work/err"
check "export: CSV" 0 "20000 rows exported in" table export "$work/one.csv"
is "the same rows come back" same_rows "$work/rows.csv" "$work/one.csv"
check "export: NDJSON" 0 "20000 rows exported in" table export "$work/one.ndjson"
clear_table
check "the table is empty" 0 "ROWS           0" health
check "import: NDJSON, odd batches, progress" 0 "20000 rows imported" table import "$work/one.ndjson" --batch 777 --progress
check "export again" 0 "exported" table export "$work/two.csv"
is "byte for byte the same" cmp "$work/one.csv" "$work/two.csv"
clear_table
ctl table import - --format csv < "$work/two.csv" && ok "import: stdin" || bad "import: stdin"
check "export: stdout" 0 '"ue":"dev:ue-0"' table export - --format ndjson
is "byte for byte the same" cmp "$work/out" "$work/one.ndjson"
check "export --app" 0 "exported" table export "$work/some.csv" --app objtrack-1
is "only that app" test "$(grep -c objtrack-1 "$work/some.csv")" = "$(grep -c '"app":"objtrack-1"' "$work/one.ndjson")"
check "table list as CSV imports as well" 0 "updated" table list --output csv
mv "$work/out" "$work/list.csv"
check "its version and time are read over" 0 "20000 rows" table import "$work/list.csv"
check "table list as JSON" 0 '"ue":"dev:ue-0"' table list --output json
is "all pages" is_json 'len(d) == 20000'
check "table list --limit over a page" 0 "ue,app" table list --output csv --limit 1500
is "1500 rows" is_csv 'len(d) == 1501'
check "import: two lines for one row" 0 "2 rows" table import --format csv /dev/stdin < <(printf 'ue,app,targets\ndev:z,objtrack-1,host:cloud\ndev:z,objtrack-1,host:mec-north\n')
check "the later one counts" 0 "host:mec-north" table list --ue dev:z

# Bad lines.
head -n 12000 "$work/one.ndjson" > "$work/bad.ndjson"
echo '{"ue":"nobody","app":"objtrack-1","targets":["host:cloud"]}' >> "$work/bad.ndjson"
check "import: a bad line" 1 "bad.ndjson:12001: ue: 'nobody' is no UE selector" table import "$work/bad.ndjson" || true
is "how many were applied" grep -q "10000 rows were applied before" "$work/err"
printf 'ue,app,targets\n*,objtrack-1,host:cloud\n\n"dev:\nz",objtrack-1,host:cloud\n' > "$work/bad.csv"
check "import: a bad record over two lines" 1 "bad.csv:4: " table import "$work/bad.csv"
printf 'ue,app,targets\n*,objtrack-1,host:cloud\n*,facedetect-1,host:nowhere\n' > "$work/bad.csv"
check "import: what only the server knows" 1 "bad.csv:3: row (*, facedetect-1): host 'nowhere' is not known (0 rows" table import "$work/bad.csv"
printf 'ue,app,targets\n*,"objtrack-1,host:cloud\n' > "$work/bad.csv"
check "import: a quote without end" 1 "bad.csv:2: a quoted field has no end" table import "$work/bad.csv"
printf 'ue,app,target\n' > "$work/bad.csv"
check "import: a misspelt column" 1 "did you mean 'targets'?" table import "$work/bad.csv"
check "import: which format?" 2 "say --format" table import "$work/transfer.log"
check "import: no such file" 2 "cannot be opened" table import "$work/none.csv"
check "import: too many at once" 1 "more than 20000 rows in one patch" table import --batch 1000000 \
  <(cat "$work/one.ndjson"; echo '{"ue":"*","app":"objtrack-1","targets":["host:cloud"]}') --format ndjson
check "export: no such folder" 2 "cannot be written" table export "$work/none/x.csv"
is "no rest of an export" test -z "$(find "$work" -name '*.part')"

# Output that cannot be written.
"$bin/mx2ctl" table list 2> "$work/err" | head -n 1 > "$work/out"
is "a closed pipe is no failure" test "${PIPESTATUS[0]}$(wc -c < "$work/err")" = 00
code=0; "$bin/mx2ctl" hosts list > /dev/full 2> "$work/err" || code=$?
is "a full disk is" test "$code" = 1 -a -s "$work/err"
