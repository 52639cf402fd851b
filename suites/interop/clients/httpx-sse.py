"""httpx-sse: python3 httpx-sse.py URL"""

import json
import sys

import httpx
from httpx_sse import connect_sse

with httpx.Client(timeout=20, trust_env=False) as client:
    with connect_sse(client, "GET", sys.argv[1]) as source:
        for event in source.iter_sse():
            report = {"type": event.event, "data": event.data, "lastEventId": event.id}
            print(json.dumps(report), flush=True)
