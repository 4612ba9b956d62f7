#!/usr/bin/env python3
"""Turns the JSON of `hadal bench --json` into the tables of docs/benchmarks.md.

    hadal bench --kernels --json | bench/table.py
"""

import json
import sys


def quantity(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def main():
    report = json.load(sys.stdin)
    machine = report["machine"]
    print(f"{machine['processor']}, {machine['cores']} cores, "
          f"{machine['instruction_set']}; {report['model'] or 'kernels'}\n")
    print("| ceiling | before | after |\n|---|---|---|")
    for ceiling in report["ceilings"]:
        print(f"| {ceiling['name']} | {quantity(ceiling['before'])} | "
              f"{quantity(ceiling['after'])} {ceiling['unit']} |")
    print("\n| row | value | at the ceiling | share | bandwidth | spread | others |"
          "\n|---|---|---|---|---|---|---|")
    for row in report["rows"]:
        print(f"| {row['name']} | {quantity(row['value'])} {row['unit']} | "
              f"{quantity(row['ceiling'])} | **{row['share']:.0%}** | "
              f"{row['read_bandwidth']:.1f} GB/s | {row['spread']:.0%} | "
              f"{row['others']:.0%} |")
    for warning in report["warnings"]:
        print(f"\n{warning}")


if __name__ == "__main__":
    main()
