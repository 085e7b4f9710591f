#!/usr/bin/env python3
"""A placement of one's own, in the place of mx2-optimizer: who has fewest contexts gets the next one.
usage: own_placement.py [OPERATOR_API]                                        Standard library only."""
import json
import sys
import urllib.error
import urllib.request

API = (sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8081") + "/operator/v1"


def ask(path, body=None, **headers):
    request = urllib.request.Request(API + path, body and body.encode(), headers)
    with urllib.request.urlopen(request, timeout=90) as answer:
        return json.load(answer)


def all_of(name):
    page = {"next": ""}
    while "next" in page:
        page = ask(f"/{name}?limit=1000&cursor={urllib.request.quote(page['next'])}")
        yield from page["items"]


def place(contexts, hosts):
    """The decision, yours to replace: (device, app) -> host."""
    count, chosen = {h["id"]: 0 for h in hosts if h["state"] == "up" and h["status"]["reachable"]}, {}
    for device, app in sorted({(c["associateDevAppId"], c["app"]) for c in contexts}):
        able = [h["id"] for h in hosts if h["id"] in count and (  # it runs there, or can be started
            "mepmUri" in h or any(i["appDId"] == app for i in h["instances"]))]
        if able:
            chosen[device, app] = min(able, key=count.get)
            count[chosen[device, app]] += 1
    return chosen


def plan_once():
    now = ask("/snapshot")  # before the lists: what changes while they are read comes in the feed
    table = {(row["ue"], row["app"]): row for row in all_of("table")}
    plan = []
    for (device, app), host in place(all_of("contexts"), list(all_of("hosts"))).items():
        row, wanted = table.get((f"dev:{device}", app), {}), [f"host:{host}"]
        if row.get("targets") != wanted and row.get("writer") != "operator":
            plan.append({"ue": f"dev:{device}", "app": app, "targets": wanted, "reason": "fewest contexts"})
    if plan:
        done = ask("/plans", "\n".join(map(json.dumps, plan)), **{
            "Content-Type": "application/x-ndjson", "If-Match": f'"{now["tableVersion"]}"'})
        print(f"{done['rows']} rows planned, table version {done['tableVersion']}", flush=True)
    ask(f"/changes?since={now['position']}&wait_ms=20000")  # until something has changed


while True:
    try:
        plan_once()
    except KeyboardInterrupt:
        sys.exit()
    except urllib.error.HTTPError as error:
        if error.code not in (410, 412):  # the feed was lost, or the table was changed meanwhile: again
            sys.exit(f"{error.url}: {error.read().decode()}")
