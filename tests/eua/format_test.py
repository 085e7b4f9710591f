#!/usr/bin/env python3
"""mx2_policy_table on lines of our own in the format of the EUA dataset: in the folders of its repository
and side by side, with columns elsewhere, quoted names and a byte order mark; and what is wrong is told.

usage: tests/eua/format_test.py BIN_DIR
"""
import pathlib
import subprocess
import sys
import tempfile

SITES = ("SITE_ID,LATITUDE,LONGITUDE,NAME,STATE,LICENSING_AREA_ID,POSTCODE,SITE_PRECISION,ELEVATION,HCIS_L2\n"
         '7001,-37.8100,144.9500,"A roof, and a mast",VIC,2,,Within 10 meters,,KX3P\n'
         '7002,-37.8200,144.9600,"The ""second"" one",VIC,2,3000,Within 10 meters,12,KX3P\n'
         "7003,-37.8150,144.9700,A corner,VIC,2,,Within 100 meters,,KX3Q\n")
USERS = "Latitude,Longitude\n-37.8101,144.9501\n-37.8199,144.9601\n-37.8151,144.9699\n-37.8120,144.9550\n"
OTHER_COLUMNS = "NAME,LONGITUDE,SITE_ID,LATITUDE\n\"x, y\",144.95,1,-37.81\nz,144.96,2,-37.82\nw,144.97,3,-37.815\n"
SITE_FILE, USER_FILE = "site-optus-melbCBD.csv", "users-melbcbd-generated.csv"
SKIPPED = 77
failed = []


def check(right, text):
    if not right:
        failed.append(text)


def table(bin_dir, files):
    """mx2_policy_table on a folder with these files."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = pathlib.Path(folder) / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return subprocess.run([bin_dir / "mx2_policy_table", folder], capture_output=True, text=True, check=False,
                              timeout=60)


def check_read(bin_dir, title, files):
    """The answer, which is that of three sites and four users."""
    run = table(bin_dir, files)
    check(run.returncode == 0 and run.stdout.startswith("3 sites with room for ") and "4 users" in run.stdout,
          f"{title}: {run}")
    return run.stdout


def check_refused(bin_dir, title, sites, says):
    run = table(bin_dir, {SITE_FILE: sites, USER_FILE: USERS})
    check(run.returncode == 1 and says in run.stderr, f"{title}: '{says}' expected, got {run}")


def main():
    bin_dir = pathlib.Path(sys.argv[1]).resolve()
    cloned = check_read(bin_dir, "as cloned", {f"edge-servers/{SITE_FILE}": SITES, f"users/{USER_FILE}": USERS})
    for policy in ("static", "nearest", "count-greedy", "least-loaded", "min-cost-flow"):
        check(f"| {policy} " in cloned, f"no row of {policy}")
    for title, sites in (("side by side", SITES), ("columns elsewhere", OTHER_COLUMNS),
                         ("as a spreadsheet writes it", "\ufeff" + SITES.replace("\n", "\r\n"))):
        check(check_read(bin_dir, title, {SITE_FILE: sites, USER_FILE: USERS}) == cloned, f"{title}: another table")
    check_refused(bin_dir, "no such column", SITES.replace("LATITUDE", "NORTHING"), "line 1: has no columns")
    check_refused(bin_dir, "no number", SITES.replace("-37.8200", "south"), "line 3: latitude or longitude")
    check_refused(bin_dir, "nowhere on earth", SITES.replace("144.9700", "1449700"), "line 4: latitude or longitude")
    check_refused(bin_dir, "no sites", SITES.splitlines()[0] + "\n", "has no sites, or no users")
    absent = table(bin_dir, {USER_FILE: USERS})
    check(absent.returncode == SKIPPED and "github.com/swinedge/eua-dataset" in absent.stderr, f"absent: {absent}")
    print("\n".join(f"FAILED: {text}" for text in failed) or "the dataset's format is read as it is")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
