"""The flows of tests/openapi/generators.py with what openapi-generator makes for Python: flows.py MX2_URL OPERATOR_URL"""
import sys
import time

import mx2_device
import mx2_operator
from mx2_device.models import AppContext, AppContextCreated, AppInfo, UserAppInstanceInfo
from mx2_operator.models import TableChange


def check(right, text):
    if not right:
        raise SystemExit(f"FAILED: {text}")
    print(f"ok  {text}")


def main(mx2_url, operator_url):
    device = mx2_device.DevAppApi(mx2_device.ApiClient(mx2_device.Configuration(host=mx2_url)))
    operator = mx2_operator.OperatorApi(mx2_operator.ApiClient(mx2_operator.Configuration(host=operator_url)))

    listed = device.get_app_list(app_name=["lambda"]).app_list
    check([each.app_info.app_did for each in listed] == ["lambda-1"], "app_list")
    info = AppInfo(app_did="lambda-1", app_name="lambda", app_provider="Example", app_d_version="1.0",
                   user_app_instance_info=[UserAppInstanceInfo()])
    made = device.create_app_context(AppContextCreated(associate_dev_app_id="python", app_info=info))
    check(made.app_info.user_app_instance_info[0].reference_uri == "http://192.0.2.1:9000/here", "create")
    read = device.get_app_context(made.context_id)
    check(read.app_info.user_app_instance_info[0].reference_uri.endswith("/here"), "get")
    device.update_app_context(made.context_id, AppContext(
        associate_dev_app_id="python", callback_reference="http://192.0.2.9:9100/told", app_info=info))
    check(device.get_app_context(made.context_id).callback_reference == "http://192.0.2.9:9100/told", "put")

    check([host.id for host in operator.list_hosts().items] == ["here", "there"], "hosts")
    check(operator.get_host("here").instances[0].reference_uri.endswith("/here"), "one host")
    check([app.app_did for app in operator.list_apps().items] == ["lambda-1"], "apps")
    rows = [TableChange(ue="dev:python", app="lambda-1", targets=["host:there"])]
    patched = operator.patch_table(rows)
    check(patched.rows == 1, "table patch")
    explained = operator.explain("lambda-1", ue="python")
    check(explained.found and explained.host == "there" and explained.steps[0].verdict == "chosen", "explain")
    check(operator.list_versions().items[0].version == patched.table_version, "history")
    planned = operator.send_plan(f'"{patched.table_version}"', rows, dry_run=True)
    check(planned.skipped.pinned == 1, "plan")
    deadline = time.monotonic() + 10
    while not device.get_app_context(made.context_id).app_info.user_app_instance_info[
            0].reference_uri.endswith("/there"):
        if time.monotonic() > deadline:
            raise SystemExit("FAILED: the context does not move")
        time.sleep(0.05)
    check(True, "moved")

    device.delete_app_context(made.context_id)
    try:
        device.get_app_context(made.context_id)
        check(False, "a context that has gone is refused")
    except mx2_device.exceptions.NotFoundException as refused:
        check(refused.status == 404 and refused.data.type == "urn:mx2:problem:not-found", "deleted")


main(*sys.argv[1:])
