"""Benchmarks of plans: every context is moved by one, while others create contexts or nobody does."""
import http.client
import json
import re
import time

from fill import APP, HOSTS

PATIENCE_S = 300


def plan(count, run):
    """Moves everybody to the next host, by a row of its own."""
    rows = ({"ue": f"dev:ue-{n}", "app": APP, "reason": f"run {run}",
             "targets": [f"host:{HOSTS[(n + run + 1) % len(HOSTS)]}"]} for n in range(1, count + 1))
    return "\n".join(map(json.dumps, rows)).encode()


def moved(server):
    """Contexts that have followed the table so far."""
    with server.operator() as operator:
        _, text = operator.ask("GET", "/operator/v1/metrics")
    return float(re.search(rb"^mx2_context_moves_total (\S+)", text, re.M).group(1))


def table_version(server):
    with server.operator() as operator:
        return operator.need(200, "GET", "/operator/v1/snapshot")["tableVersion"]


def warm_up(server, count):
    """Brings the contexts to where their rows lead, which two thirds of fill.py's are not."""
    apply(server, count, -1, moves=count - count // 3 - 1)


def apply(server, count, run, moves=None, body=None):
    """(seconds until the plan is answered, seconds until all contexts have followed it)."""
    body, before = body or plan(count, run), moved(server)
    moves = count if moves is None else moves
    headers = {"Content-Type": "application/x-ndjson",
               "If-Match": f'"{table_version(server)}"'}
    connection = http.client.HTTPConnection("127.0.0.1", server.operator_port, timeout=PATIENCE_S)
    begin = time.monotonic()
    connection.request("POST", "/operator/v1/plans", body, headers)
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    answered = time.monotonic() - begin
    if response.status != 200 or answer["rows"] != count:
        raise RuntimeError(f"the plan was answered {response.status} {answer}")
    while moved(server) < before + moves:
        if time.monotonic() - begin > PATIENCE_S:
            raise RuntimeError(f"only {moved(server) - before} of {moves} contexts have followed")
        time.sleep(0.02)
    return answered, time.monotonic() - begin
