#!/usr/bin/python3
"""The same work as tests/pooler_acceptance.c, done with asyncpg: tests/pooler_acceptance.sh runs it beside,
so that the acceptance is seen to be able to fail.

  pooler_asyncpg.py PROCESS CONNECTIONS OPERATIONS CACHE    prints one line of counts, as the C program does
"""
import asyncio
import os
import random
import sys
import asyncpg

HANG = 10


class Worker:
    def __init__(self, process, number, operations, cache):
        self.process, self.number, self.operations, self.cache = process, number, operations, cache
        self.random = random.Random(process * 64 + number)
        self.operation_count = self.ok = self.wrong = self.lost = self.hangs = self.drops = self.checked = 0
        self.conn, self.wide, self.rows = None, False, 0

    async def open(self):
        # What the environment says, as for everybody else.
        self.conn = await asyncpg.connect(timeout=20, statement_cache_size=self.cache)

    async def prepare_tables(self):
        await self.conn.execute(f"drop table if exists alt_ledger_{self.process}_{self.number}, "
                                f"alt_flip_{self.process}_{self.number}")
        await self.conn.execute(f"create table alt_ledger_{self.process}_{self.number} (v int4)")
        await self.conn.execute(f"create table alt_flip_{self.process}_{self.number} as select 1 as v")

    def check(self, right):
        self.checked += 1
        if not right:
            self.wrong += 1

    def echo_text(self, kind, mark):
        x = self.random.randrange(1000000)
        text = f"{self.process}.{self.number}.{x}"
        return f"select $1::int4 + {kind}, '{mark}' || {kind}, $2::text", x, text

    async def echo(self, kind, mark):
        sql, x, text = self.echo_text(kind, mark)
        rows = await self.conn.fetch(sql, x, text)
        self.check([tuple(r) for r in rows] == [(x + kind, f"{mark}{kind}", text)])

    async def cached(self):
        await self.echo(self.random.randrange(40), "cached")

    async def repeated(self):
        kind = self.random.randrange(20)
        sql, x, text = self.echo_text(kind, "again")
        statement = await self.conn.prepare(sql)
        for _ in range(8):
            rows = await statement.fetch(x, text)
            self.check([tuple(r) for r in rows] == [(x + kind, f"again{kind}", text)])

    async def storm(self):
        for _ in range(12):
            kind = self.random.randrange(700)
            for _ in range(1 + self.random.randrange(6)):
                await self.echo(kind, "storm")

    async def failing(self):
        kind = self.random.randrange(3)
        sql, args, state = self.random.choice([
            (f"select {kind} / $1::int4", (0,), "22012"),
            (f"select nowhere_{kind}", (), "42703"),
            (f"select {kind} from from", (), "42601")])
        try:
            await self.conn.fetch(sql, *args)
            self.check(False)
        except asyncpg.PostgresError as e:
            if e.sqlstate != state:
                raise
            self.check(True)

    async def count_rows(self):
        n = await self.conn.fetchval(f"select count(*)::int4 from alt_ledger_{self.process}_{self.number}")
        self.check(n == self.rows)

    async def transaction(self):
        keep = self.random.randrange(2) != 0
        tx = self.conn.transaction()
        await tx.start()
        try:
            await self.echo(1, "inside")
            await self.conn.execute(f"insert into alt_ledger_{self.process}_{self.number} values ($1)", 5)
        except BaseException:
            await tx.rollback()
            raise
        await (tx.commit() if keep else tx.rollback())
        self.rows += keep
        await self.count_rows()

    async def cursor(self):
        n = 3 + self.random.randrange(5)
        async with self.conn.transaction():
            seen = [r[0] async for r in self.conn.cursor(f"select generate_series(1, {n})", prefetch=2)]
        self.check(seen == list(range(1, n + 1)))

    async def flip(self):
        table = f"alt_flip_{self.process}_{self.number}"
        self.wide = not self.wide
        await self.conn.execute(
            f"alter table {table} alter v type text using 'two', add w int4 default 2" if self.wide
            else f"alter table {table} alter v type int4 using 1, drop w")
        for _ in range(6):
            rows = [tuple(r) for r in await self.conn.fetch(f"select * from {table}")]
            self.check(rows == ([("two", 2)] if self.wide else [(1,)]))

    async def one(self):
        actions = [(self.cached, 50), (self.repeated, 6), (self.storm, 2), (self.failing, 14),
                   (self.transaction, 12), (self.cursor, 8), (self.flip, 8)]
        action = self.random.choices([a for a, _ in actions], [w for _, w in actions])[0]
        wrong = self.wrong
        self.operation_count += 1
        try:
            await asyncio.wait_for(action(), HANG)
            self.ok += self.wrong == wrong
        except asyncio.TimeoutError:
            self.hangs += 1
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, ValueError,
                IndexError, TypeError, AssertionError):
            self.lost += 1
        if self.conn.is_closed():
            self.drops += 1
            await self.open()

    async def work(self):
        for _ in range(self.operations):
            await self.one()


async def main():
    process, connections, operations, cache = (int(a) for a in sys.argv[1:5])
    workers = [Worker(process, i, operations, cache) for i in range(connections)]
    for w in workers:
        await w.open()
        await w.prepare_tables()
    print("ready", flush=True)
    sys.stdin.readline()
    await asyncio.gather(*(w.work() for w in workers))
    print(*(sum(getattr(w, name) for w in workers)
            for name in ("operation_count", "ok", "wrong", "lost", "hangs", "drops", "checked")),
          f"asyncpg {asyncpg.__version__}", flush=True)
    os._exit(0)  # closing politely may hang on what is broken by now


asyncio.run(main())
