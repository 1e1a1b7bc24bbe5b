#!/usr/bin/python3
"""The same as tools/bench_pool.c for asyncpg's pool.
  bench_pool.py CALLERS CONNECTIONS STATEMENTS
"""
import asyncio
import sys
import time

import asyncpg


async def main(callers, connections, statements):
    pool = await asyncpg.create_pool(min_size=1, max_size=connections)
    took, at, errors, asked, answered, start = [], [], 0, 0, 0, 0

    async def caller():
        nonlocal errors, asked, answered, start
        while asked < callers + statements:  # the callers' first ones are not counted
            asked += 1
            begun = time.perf_counter()
            try:
                await pool.fetchval("select $1::int4", 1)
            except Exception as e:
                errors += 1
                print(e, file=sys.stderr)
            now = time.perf_counter()
            at.append(now)
            if answered == callers:
                start = now
            if answered >= callers:
                took.append(now - begun)
            answered += 1

    await asyncio.gather(*(caller() for _ in range(callers)))
    seconds = time.perf_counter() - start
    await pool.close()
    n = len(took)
    fair = sorted(t / max(at[i + callers] - at[i], 1e-9) for i, t in enumerate(took))[n * 99 // 100]
    took.sort()
    ideal = seconds * callers / n
    p50, p99 = took[n // 2], took[n * 99 // 100]
    print(f"{'asyncpg':10} {callers:5} callers {connections:3} connections {n:8} statements {errors:3} errors "
          f"{n / seconds:8.0f}/s  ideal {ideal * 1e3:8.2f} ms  p50 {p50 * 1e3:8.2f}  p99 {p99 * 1e3:8.2f}  "
          f"max {took[-1] * 1e3:8.2f}  p99/ideal {p99 / ideal:.2f}  turns p99 {fair:.2f}")


asyncio.run(main(*map(int, sys.argv[1:4])))
