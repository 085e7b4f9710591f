"""Writes many rows and contexts straight into a store that a stopped orchestrator has made."""
import sqlite3

APP = "facedetect-1"
HOSTS = ("mec-north", "mec-south", "cloud")
ADDRESS = "http://10.0.2.10:9000/facedetect"
CREATED_MS = 1_700_000_000_000
DOCUMENT = (
    '{{"appInfo":{{"appDId":"facedetect-1","appDVersion":"1.0","appName":"facedetect",'
    '"appProvider":"Example","userAppInstanceInfo":[{{"appInstanceId":"{instance}",'
    '"referenceURI":"' + ADDRESS + '"}}]}},'
    '"associateDevAppId":"ue-{device}","contextId":"{id}"}}')


def association(n):
    return (APP, f"dev:ue-{n}", f"host:{HOSTS[n % 3]}", 1, "", 1, CREATED_MS)


def context(n):
    """Context n: its identifier is n in hexadecimal, its device application ue-<n>."""
    identifier = f"{n:032x}"
    return {"context_id": identifier, "revision": 1, "app_d_id": APP, "dev_app_id": f"ue-{n}",
            "subject": "", "client_ip": "127.0.0.1", "host_id": "mec-south",
            "reference_uri": ADDRESS, "ue": f"dev:ue-{n}", "legacy": 0, "has_callback": 0,
            "created_ms": CREATED_MS,
            "document": DOCUMENT.format(instance="0" * 32, device=n, id=identifier)}


def fill(path, rows, contexts):
    with sqlite3.connect(path) as store:
        store.execute("PRAGMA synchronous = OFF")
        # In the order of the key, "facedetect-1" and "dev:ue-...": an append each.
        numbers = sorted(range(1, rows + 1), key=str)
        store.executemany(
            "INSERT INTO associations (app_d_id, ue, targets, writer, reason, version, updated_ms) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)", map(association, numbers))
        columns = list(context(0))
        store.executemany(
            f"INSERT INTO contexts ({', '.join(columns)}) VALUES (:{', :'.join(columns)})",
            map(context, range(contexts)))
    store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
