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
    '"associateDevAppId":"ue-{device}",{callback}"contextId":"{id}"}}')


def association(n):
    return (APP, f"dev:ue-{n}", f"host:{HOSTS[n % 3]}", 1, "", 1, CREATED_MS)


def context(n, ports=()):
    """Context n: its identifier is n in hexadecimal, its device application ue-<n>; its callback, if
    there are ports, is on one of them."""
    identifier = f"{n:032x}"
    callback = ""
    if ports:
        callback = f'"callbackReference":"http://127.0.0.1:{ports[n % len(ports)]}/cb/{n}",'
    return {"context_id": identifier, "revision": 1, "app_d_id": APP, "dev_app_id": f"ue-{n}",
            "subject": "", "client_ip": "127.0.0.1", "host_id": "mec-south",
            "reference_uri": ADDRESS, "ue": f"dev:ue-{n}", "legacy": 0, "has_callback": int(bool(ports)),
            "created_ms": CREATED_MS,
            "document": DOCUMENT.format(instance="0" * 32, device=n, id=identifier,
                                        callback=callback)}


def fill(path, rows, contexts, ports=()):
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
            (context(n, ports) for n in range(contexts)))
    store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
