"""The flows of tests/openapi/generators.py with what openapi-python-client makes: flows.py MX2_URL OPERATOR_URL"""
import sys
import time

import mx2_device
import mx2_operator
from mx2_device.api.dev_app import (create_app_context, delete_app_context, get_app_context, get_app_list,
                                    update_app_context)
from mx2_device.models import AppContext, AppInfo, ProblemDetails, UserAppInstanceInfo
from mx2_operator.api.operator import (explain, get_host, list_apps, list_hosts, list_versions, patch_table,
                                       send_plan)
from mx2_operator.models import TableChange


def check(right, text):
    if not right:
        raise SystemExit(f"FAILED: {text}")
    print(f"ok  {text}")


def main(mx2_url, operator_url):
    device = mx2_device.Client(base_url=mx2_url)
    operator = mx2_operator.Client(base_url=operator_url)

    listed = get_app_list.sync(client=device, app_name=["lambda"]).app_list
    check([each.app_info.app_d_id for each in listed] == ["lambda-1"], "app_list")
    info = AppInfo(app_d_id="lambda-1", app_name="lambda", app_provider="Example", app_d_version="1.0",
                   user_app_instance_info=[UserAppInstanceInfo()])
    made = create_app_context.sync(client=device, body=AppContext(associate_dev_app_id="python-client", app_info=info))
    check(made.app_info.user_app_instance_info[0].reference_uri == "http://192.0.2.1:9000/here", "create")
    read = get_app_context.sync(made.context_id, client=device)
    check(read.app_info.user_app_instance_info[0].reference_uri.endswith("/here"), "get")
    read.callback_reference = "http://192.0.2.9:9100/told"
    updated = update_app_context.sync_detailed(made.context_id, client=device, body=read)
    check(updated.status_code == 204, "put")

    check([host.id for host in list_hosts.sync(client=operator).items] == ["here", "there"], "hosts")
    check(get_host.sync("here", client=operator).instances[0].reference_uri.endswith("/here"), "one host")
    check([app.app_d_id for app in list_apps.sync(client=operator).items] == ["lambda-1"], "apps")
    rows = [TableChange(ue="dev:python-client", app="lambda-1", targets=["host:there"])]
    patched = patch_table.sync(client=operator, body=rows)
    check(patched.rows == 1, "table patch")
    explained = explain.sync(client=operator, app="lambda-1", ue="python-client")
    check(explained.found and explained.host == "there" and explained.steps[0].verdict == "chosen", "explain")
    check(list_versions.sync(client=operator).items[0].version == patched.table_version, "history")
    planned = send_plan.sync(client=operator, body=rows, if_match=f'"{patched.table_version}"', dry_run=True)
    check(planned.skipped.pinned == 1, "plan")
    deadline = time.monotonic() + 10
    while not get_app_context.sync(made.context_id, client=device).app_info.user_app_instance_info[
            0].reference_uri.endswith("/there"):
        if time.monotonic() > deadline:
            raise SystemExit("FAILED: the context does not move")
        time.sleep(0.05)
    check(True, "moved")

    delete_app_context.sync_detailed(made.context_id, client=device)
    refused = get_app_context.sync(made.context_id, client=device)
    check(isinstance(refused, ProblemDetails) and refused.type_ == "urn:mx2:problem:not-found", "deleted")


main(*sys.argv[1:])
