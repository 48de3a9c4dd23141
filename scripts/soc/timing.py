"""What a design takes of the device, and how fast its slowest clock is, of nextpnr's report.

    timing.py REPORT.json
"""

import json
import sys


def main():
    with open(sys.argv[1]) as file:
        report = json.load(file)
    for name, use in report["utilization"].items():
        if use["used"]:
            print(f"{name}: {use['used']} of {use['available']}")
    for clock, speed in report["fmax"].items():
        print(f"{clock}: {speed['achieved']:.1f} MHz of {speed['constraint']:.1f}")
    for path in sorted(report["critical_paths"], key=lambda path: -sum(step["delay"] for step in path["path"]))[:1]:
        first, last = path["path"][0], path["path"][-1]
        wire = sum(step["delay"] for step in path["path"] if step["type"] == "routing")
        total = sum(step["delay"] for step in path["path"])
        print(f"longest path: {total:.1f} ns, {wire:.1f} of it wire")
        print(f"    from {first['from']['cell']}")
        print(f"    to {last['to']['cell']}")


main()
