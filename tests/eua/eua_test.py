#!/usr/bin/env python3
"""The main job on real input: 125 edge sites and 816 users of Melbourne's centre.

usage: eua_test.py BIN_DIR [DATA_DIR]    exit code 77 when the data are absent

DATA_DIR (else ../shared/data/eua) is a clone of https://github.com/swinedge/eua-dataset, or has its files
site-optus-melbCBD.csv and users-melbcbd-generated.csv side by side.

Source: EUA dataset (MIT licence), optus sites and generated users. Each site becomes a MEC host,
each user a row of the table to its nearest site, imported with mx2ctl; then each user asks for a
context and must be given its nearest site, also after a restart. For a second app without rows per
user each asks with its location and must be given a host that serves it.
"""
import csv
import math
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from orchestrator import CONTEXTS, ROOT, Orchestrator, create_request

DATA = pathlib.Path(sys.argv[2]).resolve() if len(sys.argv) == 3 else ROOT.parent / "shared" / "data" / "eua"
SITES, USERS = ("edge-servers", "site-optus-melbCBD.csv"), ("users", "users-melbcbd-generated.csv")
PROVIDER = "EUA"
NEAREST = "nearest"  # app with a row for each user
LOCATED = "located"  # app with a row for everybody, decided by location
AREA_METRES = 100    # half the side of a site's service area
USER_METRES = 20     # half the side of the area a user asks for
DEGREE_METRES = 111320.0
SKIPPED = 77


def file_of(folder, name):
    """As in a clone, or side by side; None where it is in neither."""
    return next((path for path in (DATA / folder / name, DATA / name) if path.is_file()), None)


def read_points(where, columns):
    with file_of(*where).open(newline="", encoding="utf-8-sig") as file:
        return [tuple(row[column] for column in columns) for row in csv.DictReader(file)]


def rectangle(longitude, latitude, metres):
    """(west, south, east, north) around a point."""
    height = metres / DEGREE_METRES
    width = height / math.cos(math.radians(latitude))
    return (longitude - width, latitude - height, longitude + width, latitude + height)


def location(box):
    west, south, east, north = box
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"countryCode": "AU", "area": {"coordinates": [ring]}}


def overlap(a, b):
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


def address(app, site):
    return f"http://site-{site}.example:9000/{app}"


def nearest(sites, user):
    """Exact enough within a city: a flat earth at the user's latitude."""
    scale = math.cos(math.radians(user[1]))
    return min(sites, key=lambda site: math.hypot((sites[site][0] - user[0]) * scale,
                                                  sites[site][1] - user[1]))


class Eua:
    def __init__(self, bin_dir, server):
        self.bin_dir = bin_dir
        self.server = server
        self.sites = {site: (float(longitude), float(latitude)) for site, longitude, latitude in
                      read_points(SITES, ("SITE_ID", "LONGITUDE", "LATITUDE"))}
        self.areas = {site: rectangle(*point, AREA_METRES) for site, point in self.sites.items()}
        self.users = [(float(longitude), float(latitude)) for longitude, latitude in
                      read_points(USERS, ("Longitude", "Latitude"))]
        self.nearest = [nearest(self.sites, user) for user in self.users]
        self.contexts = []
        self.wrong = []

    def check(self, right, text):
        if not right:
            self.wrong.append(text)

    def load_hosts(self):
        with self.server.operator() as operator:
            for app in (NEAREST, LOCATED):
                operator.need(201, "PUT", f"/operator/v1/apps/{app}", {
                    "appDId": app, "appName": app, "appProvider": PROVIDER,
                    "appSoftVersion": "1.0", "appDVersion": "1.0", "appDescription": "EUA",
                    "appCharcs": {}})
            for site, area in self.areas.items():
                operator.need(201, "PUT", f"/operator/v1/hosts/site-{site}", {
                    "serviceArea": [location(area)],
                    "instances": [{"appDId": app, "referenceURI": address(app, site)}
                                  for app in (NEAREST, LOCATED)]})
            listed = sum(1 for _ in operator.pages("/operator/v1/hosts"))
        self.check(listed == len(self.sites), f"{listed} hosts are listed")
        return f"{listed} sites as hosts"

    def import_table(self):
        file = self.server.directory / "table.csv"
        with file.open("w", newline="") as out:
            rows = csv.writer(out)
            rows.writerow(("ue", "app", "targets"))
            for i, site in enumerate(self.nearest):
                rows.writerow((f"dev:user-{i}", NEAREST, f"host:site-{site}"))
            rows.writerow(("*", LOCATED, f"host:site-{next(iter(self.sites))}"))
        subprocess.run([self.bin_dir / "mx2ctl", "--url", self.server.operator_url, "table",
                        "import", file], check=True, stdout=subprocess.DEVNULL)
        with self.server.operator() as operator:
            count = operator.need(200, "GET", "/operator/v1/health")["rows"]
        self.check(count == len(self.users) + 1, f"{count} rows after the import")
        return f"{count} rows imported with mx2ctl"

    def create_contexts(self):
        with self.server.mx2() as client:
            for i, site in enumerate(self.nearest):
                context = client.need(201, "POST", CONTEXTS,
                                      create_request(f"user-{i}", NEAREST, PROVIDER))
                self.contexts.append(context)
                self.check_address(i, context, site)
        return f"{len(self.contexts)} contexts created, each at its nearest site"

    def check_address(self, user, context, site):
        got = context["appInfo"]["userAppInstanceInfo"][0]["referenceURI"]
        self.check(got == address(NEAREST, site), f"user {user}: {got}, nearest is {site}")

    def read_after_restart(self):
        self.server.stop()
        self.server.start()
        with self.server.mx2() as client:
            for i, context in enumerate(self.contexts):
                read = client.need(200, "GET", f"{CONTEXTS}/{context['contextId']}")
                self.check(read == context, f"user {i}: was {context}, is {read}")
        return f"{len(self.contexts)} contexts the same after a restart"

    def ask_with_location(self):
        served = outside = 0
        with self.server.mx2() as client:
            for i, user in enumerate(self.users):
                box = rectangle(*user, USER_METRES)
                able = {address(LOCATED, s) for s, area in self.areas.items() if overlap(box, area)}
                status, answer = client.ask("POST", CONTEXTS, create_request(
                    f"user-{i}", LOCATED, PROVIDER, location(box)))
                if not able:
                    outside += 1
                    self.check(status == 403, f"user {i} is served by nobody, but got {status}")
                    continue
                served += 1
                self.check(status == 201, f"user {i} with a location: {status} {answer}")
                if status == 201:
                    got = answer["appInfo"]["userAppInstanceInfo"][0]["referenceURI"]
                    self.check(got in able, f"user {i}: {got} does not serve its location")
        self.check(served > 0, "no user was served by location")
        return f"{served} users given a host that serves their location, {outside} outside all areas"


def main():
    if len(sys.argv) not in (2, 3):
        print(__doc__)
        return 2
    if not file_of(*SITES) or not file_of(*USERS):
        print(f"SKIP: no data in {DATA}: git clone https://github.com/swinedge/eua-dataset, and name its folder")
        return SKIPPED
    bin_dir = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="mx2-eua-") as directory, Orchestrator(
            bin_dir / "mx2-orchestrator", directory) as server:
        eua = Eua(bin_dir, server)
        for step in (eua.load_hosts, eua.import_table, eua.create_contexts,
                     eua.read_after_restart, eua.ask_with_location):
            begin = time.monotonic()
            text = step()
            print(f"{'FAILED' if eua.wrong else 'ok':6} {text} ({time.monotonic() - begin:.2f} s)",
                  flush=True)
            if eua.wrong:
                print("\n".join(eua.wrong[:10]))
                return 1
        server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
