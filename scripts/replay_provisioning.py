"""Replays the recorded provisioning traffic with two blind spots of the recordings mended; takes the replayer's options.

1. The recorder blanked the certificates that clients sent (`"certificate": "certificate"`). No service takes that for an
   X.509 certificate, and neither does this one: a self-signed certificate is sent in its place.
2. The replayer pairs the items of a listing by position. The real service lists by a partition that nobody sees, so ids
   would be taken for each other and later requests would hit one id twice: items are paired by their ids instead.

IOLITE_SHARED names the folder of the recordings. Without the mending, run conformance/replay.py there.
"""

import importlib.util
import os
import subprocess
import sys

path = os.path.join(os.environ["IOLITE_SHARED"], "conformance", "replay.py")
spec = importlib.util.spec_from_file_location("replay", path)
replay = importlib.util.module_from_spec(spec)
spec.loader.exec_module(replay)

CERTIFICATE = subprocess.run(
    ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", os.devnull,
     "-subj", "/CN=enrolment", "-days", "1"],
    capture_output=True, text=True, check=True).stdout
plain_substitute, plain_learn = replay.substitute, replay.learn


def substitute(value, known):
    if isinstance(value, dict):
        whole = {name: substitute(part, known) for name, part in value.items()}
        return {**whole, "certificate": CERTIFICATE} if value.get("certificate") == "certificate" else whole
    if isinstance(value, list):
        return [substitute(part, known) for part in value]
    return plain_substitute(value, known)


def learn(recorded, live, known):
    both = recorded + live if isinstance(recorded, list) and isinstance(live, list) else []
    for name in ("registrationId", "enrollmentGroupId"):
        if both and all(isinstance(item, dict) and name in item for item in both):
            ours = {item[name]: item for item in live}
            for item in recorded:
                if item[name] in ours:
                    plain_learn(item, ours[item[name]], known)
            return
    plain_learn(recorded, live, known)


replay.substitute, replay.learn = substitute, learn
sys.argv[1:1] = ["--service", "dps"]
sys.exit(replay.main())
