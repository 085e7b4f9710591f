"""The location service (MEC 013 v2) of the fake sandbox, with the caveats of the real one.

Notifications go out 2 to 6 ms after an event, one after the other under the lock that also guards
the subscriptions; the subscriptions end with the scenario, and their numbers begin again at 1.
Nothing else ends one: not its duration, not a receiver that is gone.
"""
import collections
import queue
import random
import threading
import time

from web import Reply, Routes, document, post

BASE = "/location/v2"
KINDS = ("userTracking", "zonalTraffic")
CONNECTION = {"POA-4G": "Macro", "POA-5G": "Smallcell", "POA-WIFI": "Wifi"}
DELAY_S = (0.002, 0.006)
SENT_MAX = 100_000
USER_FILTERS = {"zoneId": 0, "accessPointId": 1}
EMPTY = b""   # the real service says no without a word


def timestamp():
    return {"nanoSeconds": 0, "seconds": int(time.time())}


def ordered(value):
    """Members by name, as the real service writes them."""
    if isinstance(value, dict):
        return {name: ordered(value[name]) for name in sorted(value)}
    return [ordered(item) for item in value] if isinstance(value, list) else value


class LocationService(Routes):
    """`users` and `zones` are functions that say what the scenario has now."""

    def __init__(self, users, zones, host_url="http://127.0.0.1/sbx1", seed=0):
        super().__init__()
        self.users, self.zones, self.host_url = users, zones, host_url
        self.rng = random.Random(seed)
        self.lock = threading.Lock()
        self.subscriptions = {kind: {} for kind in KINDS}
        self.next = dict.fromkeys(KINDS, 1)
        self.known = {}
        self.sent = collections.deque(maxlen=SENT_MAX)   # (time, status, body)
        self.messages = queue.SimpleQueue()
        self.thawed = threading.Event()
        self.thawed.set()
        self.route("GET", BASE + "/queries/users", self.list_users)
        self.route("GET", BASE + "/queries/zones", self.list_zones)
        self.route("GET", BASE + "/queries/zones/([^/]+)", self.get_zone)
        self.route("GET", BASE + "/queries/zones/([^/]+)/accessPoints", self.list_access_points)
        self.route("GET", BASE + "/queries/zones/([^/]+)/accessPoints/([^/]+)",
                   self.get_access_point)
        for kind in KINDS:
            self.route_subscriptions(kind, f"{BASE}/subscriptions/{kind}")
        threading.Thread(target=self.run, daemon=True).start()

    def freeze(self):
        """A knob: it takes requests and answers none, and tells nobody, as while it waits for a
        receiver."""
        self.thawed.clear()

    def thaw(self):
        self.thawed.set()

    def answer(self, request):
        if request.path.startswith(BASE):
            self.thawed.wait()
        return super().answer(request)

    def route_subscriptions(self, kind, path):
        def bound(function):
            return lambda request, *number: function(request, kind, *number)
        self.route("POST", path, bound(self.subscribe))
        self.route("GET", path, bound(self.list_subscriptions))
        self.route("GET", path + "/([^/]+)", bound(self.get_subscription))
        self.route("PUT", path + "/([^/]+)", bound(self.put_subscription))
        self.route("DELETE", path + "/([^/]+)", bound(self.unsubscribe))

    # Queries.

    def list_users(self, request):
        if any(name not in (*USER_FILTERS, "address") for name in request.query):
            return Reply(400, EMPTY)

        def fits(name, user):
            return (name in request.query.get("address", [name])
                    and all(user[at] in request.query.get(f, [user[at]])
                            for f, at in USER_FILTERS.items()))
        users = [self.user_json(n, u) for n, u in self.users().items() if fits(n, u)]
        answer = {"resourceURL": f"{self.host_url}{BASE}/queries/users"}
        if users:
            answer["user"] = users
        return document(200, {"userList": answer})

    def user_json(self, name, user):
        zone, access_point, place = user
        out = {"accessPointId": access_point, "address": name, "zoneId": zone,
               "resourceURL": f"{self.host_url}{BASE}/queries/users?address={name}",
               "timestamp": timestamp()}
        if place:
            out["locationInfo"] = {"latitude": [place[1]], "longitude": [place[0]], "shape": 2,
                                   "timestamp": timestamp()}
        return ordered(out)

    def zone_json(self, name, access_points):
        return {"numberOfAccessPoints": len(access_points), "numberOfUnserviceableAccessPoints": 0,
                "numberOfUsers": sum(u[0] == name for u in self.users().values()),
                "resourceURL": f"{self.host_url}{BASE}/queries/zones/{name}", "zoneId": name}

    def access_point_json(self, zone, element):
        name = element["name"]
        return {"accessPointId": name, "connectionType": CONNECTION.get(element["type"], "Unknown"),
                "numberOfUsers": sum(u[1] == name for u in self.users().values()),
                "operationStatus": "Serviceable", "timezone": time.tzname[0],
                "resourceURL": f"{self.host_url}{BASE}/queries/zones/{zone}/accessPoints/{name}"}

    def list_zones(self, _):
        zones = [self.zone_json(*item) for item in self.zones().items()]
        answer = {"resourceURL": f"{self.host_url}{BASE}/queries/zones"}
        return document(200, {"zoneList": {**answer, **({"zone": zones} if zones else {})}})

    def get_zone(self, _, name):
        zones = self.zones()
        if name not in zones:
            return Reply(404, EMPTY)
        return document(200, {"zoneInfo": self.zone_json(name, zones[name])})

    def list_access_points(self, _, zone):
        zones = self.zones()
        if zone not in zones:
            return Reply(404, EMPTY)
        return document(200, {"accessPointList": {
            "accessPoint": [self.access_point_json(zone, a) for a in zones[zone]],
            "resourceURL": f"{self.host_url}{BASE}/queries/zones/{zone}/accessPoints",
            "zoneId": zone}})

    def get_access_point(self, _, zone, name):
        found = [a for a in self.zones().get(zone, []) if a["name"] == name]
        if not found:
            return Reply(404, EMPTY)
        return document(200, {"accessPointInfo": self.access_point_json(zone, found[0])})

    # Subscriptions. `duration` is taken and ignored.

    def subscription_of(self, request, kind):
        body = (request.json() or {}).get(f"{kind}Subscription")
        about = "address" if kind == "userTracking" else "zoneId"
        if not isinstance(body, dict) or not body.get(about):
            return None
        return body if (body.get("callbackReference") or {}).get("notifyURL") else None

    def stored(self, kind, number, body):
        url = f"{self.host_url}{BASE}/subscriptions/{kind}/{number}"
        self.subscriptions[kind][number] = ordered({**body, "resourceURL": url})
        return {f"{kind}Subscription": self.subscriptions[kind][number]}

    def subscribe(self, request, kind):
        body = self.subscription_of(request, kind)
        if body is None:
            return Reply(400, EMPTY)
        with self.lock:
            number = str(self.next[kind])
            self.next[kind] += 1
            return document(201, self.stored(kind, number, body))

    def list_subscriptions(self, _, kind):
        with self.lock:
            found = list(self.subscriptions[kind].values())
        answer = {"resourceURL": f"{self.host_url}{BASE}/subscriptions/{kind}"}
        if found:
            answer[f"{kind}Subscription"] = found
        return document(200, {"notificationSubscriptionList": answer})

    def get_subscription(self, _, kind, number):
        with self.lock:
            found = self.subscriptions[kind].get(number)
        return document(200, {f"{kind}Subscription": found}) if found else Reply(404, EMPTY)

    def put_subscription(self, request, kind, number):
        body = self.subscription_of(request, kind)
        with self.lock:
            if body is None or number not in self.subscriptions[kind]:
                return Reply(404 if body else 400, EMPTY)
            return document(200, self.stored(kind, number, body))

    def unsubscribe(self, _, kind, number):
        with self.lock:
            return Reply(204 if self.subscriptions[kind].pop(number, None) else 404, EMPTY)

    # What the sandbox tells it: it hears of everything a little later, in order.

    def activated(self):
        self.hear(self.begin)

    def changed(self):
        self.hear(self.tell_differences)

    def terminated(self):
        """All subscriptions are gone, nobody is told."""
        self.hear(self.end)

    def hear(self, function):
        due = time.monotonic() + self.rng.uniform(*DELAY_S)
        self.messages.put((due, function, self.users()))

    def drop_subscriptions(self):
        """A knob: they vanish while the scenario runs."""
        with self.lock:
            self.subscriptions = {kind: {} for kind in KINDS}

    def stop(self):
        self.thaw()
        self.messages.put(None)

    def run(self):
        while (message := self.messages.get()) is not None:
            due, function, users = message
            time.sleep(max(0.0, due - time.monotonic()))
            self.thawed.wait()
            with self.lock:
                function(users)

    def begin(self, users):
        self.known = users

    def end(self, _):
        self.known = {}
        self.subscriptions = {kind: {} for kind in KINDS}
        self.next = dict.fromkeys(KINDS, 1)

    # Notifications.

    def tell_differences(self, users):
        before, self.known = self.known, users
        for name in before.keys() | users.keys():
            for event in events_of(name, before.get(name), users.get(name)):
                self.tell(event)

    def tell(self, event):
        for kind, about in (("zonalTraffic", "zoneId"), ("userTracking", "address")):
            for subscription in list(self.subscriptions[kind].values()):
                criteria = subscription.get("userEventCriteria")
                if subscription[about] != event[about]:
                    continue
                if not criteria or event["userEventType"] in criteria:
                    self.send(subscription["callbackReference"], event)

    def send(self, callback, event):
        if callback.get("callbackData"):
            event = {**event, "callbackData": callback["callbackData"]}
        body = {"zonalPresenceNotification": ordered(event)}
        begin = time.monotonic()
        self.sent.append((begin, post(callback["notifyURL"], body), body))


def events_of(name, before, now):
    """What a change of attachment is told as: (zone, access point) before and now, or None."""
    def event(kind, place, **more):
        return {"address": name, "currentAccessPointId": place[1], "timestamp": timestamp(),
                "userEventType": kind, "zoneId": place[0], **more}
    if before and now and before[0] == now[0]:
        if before[1] == now[1]:
            return []
        return [event("Transferring", now, previousAccessPointId=before[1])]
    return (([event("Leaving", before)] if before else [])
            + ([event("Entering", now)] if now else []))
