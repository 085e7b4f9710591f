#!/usr/bin/env python3
"""A MEC platform of our own: the application enablement of MEC 011 as AdvantEDGE 1.9.2 serves it.

usage: mec_platform.py [--port 0] [--app ID=NAME@NODE ...]

Below /mec_app_support/v1 and /mec_service_mgmt/v1. Its defects too: confirmTermination.href lacks
applications/{id}/, traffic and DNS rules are not implemented. `python3 mec_platform.py` serves it
until it is interrupted; DELETE /control/applications/{id} removes an application, which is told.
"""
import argparse
import threading
import time
import uuid

from web import Reply, Routes, Web, document, post

SUPPORT = "/mec_app_support/v1"
SERVICES = "/mec_service_mgmt/v1"
GRACEFUL_S = 10
TERMINATION = "AppTerminationNotificationSubscription"
AVAILABILITY = "SerAvailabilityNotificationSubscription"
STATES = ("ACTIVE", "INACTIVE", "SUSPENDED")
CATEGORY = ("href", "id", "name", "version")
TRANSPORT = ("id", "name", "type", "protocol", "version", "endpoint")
FILTERS = ("ser_name", "ser_instance_id", "ser_category_id")


def problem(status, detail):
    return document(status, {"status": status, "detail": detail})


def missing_of(service):
    """What is wrong with a ServiceInfo that somebody posts, or ''."""
    for name in ("serName", "version", "state", "serializer"):
        if not service.get(name):
            return f"Mandatory Service {name} parameter not present"
    if service["state"] not in STATES or service["serializer"] != "JSON":
        return "Service state or serializer not valid"
    if ("transportId" in service) == ("transportInfo" in service):
        return "Either transportId or transportInfo must be present, not both"
    if "serInstanceId" in service or "_links" in service:
        return "serInstanceId and _links must not be present"
    category = service.get("serCategory")
    if category is not None and not all(category.get(name) for name in CATEGORY):
        return "Mandatory ServiceCategory parameter not present"
    return missing_of_transport(service.get("transportInfo"))


def missing_of_transport(transport):
    if transport is None:
        return ""
    for name in TRANSPORT:
        if not transport.get(name):
            return f"Mandatory TransportInfo {name} parameter not present"
    endpoint = transport["endpoint"]
    if not isinstance(endpoint, dict) or len(endpoint.keys() & {"uris", "addresses"}) != 1:
        return "Endpoint must have exactly one of uris and addresses"
    return ""


class Application:
    def __init__(self, identifier, name, node):
        self.id, self.name, self.node = identifier, name, node
        self.ready = False
        self.terminating = False
        self.confirmed = threading.Event()
        self.services = {}
        self.subscriptions = {SUPPORT: {}, SERVICES: {}}


class MecPlatform(Routes):
    """Threads: any; a lock around everything but the sending. `host_url` is what hrefs begin with,
    as in the real one not necessarily an address that this process listens on."""

    def __init__(self, host_url="http://127.0.0.1/sbx1", graceful_s=GRACEFUL_S):
        super().__init__()
        self.host_url, self.graceful_s = host_url, graceful_s
        self.lock = threading.RLock()
        self.applications = {}
        self.events = []   # (what, application id, body) in order, for tests
        one = r"/applications/([^/]+)"
        for method, path, function in (
                ("POST", SUPPORT + one + "/confirm_ready", self.confirm_ready),
                ("POST", SUPPORT + one + "/confirm_termination", self.confirm_termination),
                ("GET", SUPPORT + "/timing/current_time", self.current_time),
                ("GET", SUPPORT + "/timing/timing_caps", self.timing_caps),
                ("POST", SERVICES + one + "/services", self.add_service),
                ("GET", SERVICES + one + "/services", self.list_own_services),
                ("GET", SERVICES + one + "/services/([^/]+)", self.get_own_service),
                ("PUT", SERVICES + one + "/services/([^/]+)", self.put_service),
                ("DELETE", SERVICES + one + "/services/([^/]+)", self.delete_service),
                ("GET", SERVICES + "/services", self.list_services),
                ("GET", SERVICES + "/services/([^/]+)", self.get_service)):
            self.route(method, path, function)
        for base in (SUPPORT, SERVICES):
            self.route_subscriptions(base, base + one + "/subscriptions")
        for rules in ("traffic_rules", "dns_rules"):
            self.route("GET", SUPPORT + one + f"/{rules}(?:/.*)?", self.not_implemented)
        self.route("DELETE", "/control/applications/([^/]+)", self.control_remove)

    def route_subscriptions(self, base, path):
        def bound(function):
            return lambda request, *ids: function(request, base, *ids)
        self.route("POST", path, bound(self.subscribe))
        self.route("GET", path, bound(self.list_subscriptions))
        self.route("GET", path + "/([^/]+)", bound(self.get_subscription))
        self.route("DELETE", path + "/([^/]+)", bound(self.unsubscribe))

    def answer(self, request):
        if request.path.startswith("/control/"):
            return super().answer(request)
        with self.lock:
            return super().answer(request)

    # What a test or the sandbox does with it.

    def add_application(self, identifier, name="mx2", node="mep1"):
        with self.lock:
            return self.applications.setdefault(identifier, Application(identifier, name, node))

    def remove_application(self, identifier):
        """Tells it, waits up to the graceful time for its confirmation, then forgets it.
        True: it confirmed in time."""
        with self.lock:
            application = self.applications.get(identifier)
            if application is None:
                return False
            application.terminating = True
            told = list(application.subscriptions[SUPPORT].values())
        for subscription in told:
            self.tell_termination(application, subscription)
        confirmed = bool(told) and application.confirmed.wait(self.graceful_s)
        with self.lock:
            gone = list(application.services.values())
            self.applications.pop(identifier, None)
        for service in gone:
            self.tell_availability(service, "REMOVED")
        return confirmed

    def services(self):
        with self.lock:
            return [s for a in self.applications.values() for s in a.services.values()]

    # Sending.

    def tell_termination(self, application, subscription):
        body = {"notificationType": "AppTerminationNotification", "operationAction": "TERMINATING",
                "maxGracefulTimeout": self.graceful_s,
                "_links": {"subscription": {"href": subscription["_links"]["self"]["href"]},
                           "confirmTermination": {
                               "href": f"{self.host_url}{SUPPORT}/confirm_termination"}}}
        self.events.append(("terminating", application.id, body))
        post(subscription["callbackReference"], body)

    def tell_availability(self, service, change):
        with self.lock:
            subscriptions = [s for a in self.applications.values()
                             for s in a.subscriptions[SERVICES].values()
                             if wanted(s.get("filteringCriteria") or {}, service)]
        for subscription in subscriptions:
            post(subscription["callbackReference"], {
                "notificationType": "SerAvailabilityNotification",
                "serviceReferences": [{
                    "link": {"href": service["_links"]["self"]["href"]},
                    "serName": service["serName"], "serInstanceId": service["serInstanceId"],
                    "state": service["state"], "changeType": change}],
                "_links": {"subscription": {"href": subscription["_links"]["self"]["href"]}}})

    def tell_availability_later(self, service, change):
        threading.Thread(target=self.tell_availability, args=(dict(service), change),
                         daemon=True).start()

    # Application support.

    def application(self, identifier, needs_ready=True):
        """(application, None) or (None, the answer that says why not)."""
        application = self.applications.get(identifier)
        if application is None:
            return None, problem(404, "App Instance not found")
        if needs_ready and not application.ready:
            return None, problem(403, "App Instance not ready. Waiting for AppReadyConfirmation.")
        return application, None

    def confirm_ready(self, request, identifier):
        application, refused = self.application(identifier, needs_ready=False)
        if refused:
            return refused
        if (request.json() or {}).get("indication") != "READY":
            return problem(400, "Mandatory Indication parameter not present or not valid")
        application.ready = True
        self.events.append(("ready", identifier, request.json()))
        return Reply(204)

    def confirm_termination(self, request, identifier):
        application, refused = self.application(identifier)
        if refused:
            return refused
        if (request.json() or {}).get("operationAction") not in ("TERMINATING", "STOPPING"):
            return problem(400, "Mandatory OperationAction parameter not present or not valid")
        if not application.terminating:
            return problem(409, "Unexpected App Confirmation Termination Notification")
        self.events.append(("terminated", identifier, request.json()))
        application.confirmed.set()
        return Reply(204)

    def current_time(self, _):
        now = time.time_ns()
        return document(200, {"seconds": now // 10**9, "nanoSeconds": now % 10**9,
                              "timeSourceStatus": "TRACEABLE"})

    def timing_caps(self, _):
        now = time.time_ns()
        return document(200, {"timeStamp": {"seconds": now // 10**9, "nanoSeconds": now % 10**9}})

    def not_implemented(self, *_):
        return Reply(501)

    def control_remove(self, _, identifier):
        return document(200, {"confirmed": self.remove_application(identifier)})

    # Services.

    def add_service(self, request, identifier):
        application, refused = self.application(identifier)
        if refused:
            return refused
        service = request.json()
        if wrong := "no JSON object" if service is None else missing_of(service):
            return problem(400, wrong)
        number = str(uuid.uuid4())
        href = f"{self.host_url}{SERVICES}/applications/{identifier}/services/{number}"
        service = {"scopeOfLocality": "MEC_HOST", "consumedLocalOnly": True, "isLocal": True,
                   **service, "serInstanceId": number, "_links": {"self": {"href": href}}}
        application.services[number] = service
        self.events.append(("service", identifier, service))
        self.tell_availability_later(service, "ADDED")
        return document(201, service, {"Location": href})

    def put_service(self, request, identifier, number):
        application, refused = self.application(identifier)
        if refused:
            return refused
        if number not in application.services:
            return problem(404, "Service not found")
        service = request.json()
        if service is None or service.get("serName") != application.services[number]["serName"]:
            return problem(400, "Service name may not change")
        application.services[number] = {**application.services[number], **service}
        self.tell_availability_later(application.services[number], "ATTRIBUTES_CHANGED")
        return document(200, application.services[number])

    def delete_service(self, _, identifier, number):
        application, refused = self.application(identifier)
        if refused:
            return refused
        service = application.services.pop(number, None)
        if service is None:
            return problem(404, "Service not found")
        self.events.append(("service gone", identifier, service))
        self.tell_availability_later(service, "REMOVED")
        return Reply(204)

    def list_own_services(self, request, identifier):
        application, refused = self.application(identifier)
        return refused or self.filtered(request, application.services.values())

    def get_own_service(self, _, identifier, number):
        application, refused = self.application(identifier)
        if refused:
            return refused
        service = application.services.get(number)
        return document(200, service) if service else problem(404, "Service not found")

    def list_services(self, request):
        return self.filtered(request, self.services())

    def get_service(self, _, number):
        found = [s for s in self.services() if s["serInstanceId"] == number]
        return document(200, found[0]) if found else problem(404, "Service not found")

    @staticmethod
    def filtered(request, services):
        if sum(name in request.query for name in FILTERS) > 1:
            return problem(400, "Only one of " + ", ".join(FILTERS) + " may be present")
        names = request.query.get("ser_name")
        numbers = request.query.get("ser_instance_id")
        category = request.query.get("ser_category_id")
        return document(200, [
            s for s in services
            if (not names or s["serName"] in names)
            and (not numbers or s["serInstanceId"] in numbers)
            and (not category or (s.get("serCategory") or {}).get("id") in category)])

    # Subscriptions of both services.

    def subscribe(self, request, base, identifier):
        application, refused = self.application(identifier)
        if refused:
            return refused
        body = request.json() or {}
        if body.get("subscriptionType") != (TERMINATION if base == SUPPORT else AVAILABILITY):
            return problem(400, "subscriptionType not valid")
        if not body.get("callbackReference"):
            return problem(400, "Mandatory CallbackReference parameter not present")
        if base == SUPPORT and body.get("appInstanceId") != identifier:
            return problem(400, "AppInstanceId differs from that of the path")
        number = str(uuid.uuid4())
        href = f"{self.host_url}{base}/applications/{identifier}/subscriptions/{number}"
        subscription = {**body, "_links": {"self": {"href": href}}}
        application.subscriptions[base][number] = subscription
        self.events.append(("subscribed", identifier, subscription))
        return document(201, subscription, {"Location": href})

    def list_subscriptions(self, _, base, identifier):
        application, refused = self.application(identifier)
        if refused:
            return refused
        return document(200, {"_links": {
            "self": {"href": f"{self.host_url}{base}/applications/{identifier}/subscriptions"},
            "subscriptions": [{"href": s["_links"]["self"]["href"], "rel": s["subscriptionType"]}
                              for s in application.subscriptions[base].values()]}})

    def get_subscription(self, _, base, identifier, number):
        application, refused = self.application(identifier)
        if refused:
            return refused
        found = application.subscriptions[base].get(number)
        return document(200, found) if found else problem(404, "Subscription not found")

    def unsubscribe(self, _, base, identifier, number):
        application, refused = self.application(identifier)
        if refused:
            return refused
        if application.subscriptions[base].pop(number, None) is None:
            return problem(404, "Subscription not found")
        return Reply(204)


def wanted(criteria, service):
    names = criteria.get("serNames")
    states = criteria.get("states")
    return ((not names or service["serName"] in names)
            and (not states or service["state"] in states))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--app", action="append", default=[], help="ID=NAME@NODE")
    options = parser.parse_args()
    platform = MecPlatform()
    for app in options.app or ["40e4eaa8-e6ae-442a-a381-bb9c666eff38=mx2@mep1"]:
        identifier, _, rest = app.partition("=")
        name, _, node = rest.partition("@")
        platform.add_application(identifier, name or "mx2", node or "mep1")
    with Web([platform], options.address, options.port) as web:
        print(f"listening {web.url} applications {','.join(platform.applications)}", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
