#!/usr/bin/env python3
"""Builds bugs in, one at a time, and demands that the tests catch each: tests/planted.list names them.

usage: planted.py SOURCE_ROOT BUILD_ROOT COMPILER ARCHIVE... [-- LIBRARY...]

TUSK_PLANTED=WORD tries only the bugs with that word in their line.

The source of a bug is compiled from a changed copy and linked before the archives, so that its functions
come before the library's. What catches a bug has to succeed without it. The last line counts; the exit
status is 0 if none got through.
"""
import glob
import os
import subprocess
import sys
import tempfile

FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-O1", "-g", "-w", "-fvisibility=hidden"]
SECONDS = 60  # a test that hangs has noticed; each of them takes a second at most
ENGINE = ["tape_backend", "tape_call", "tape_corpus", "tape_event", "tape_frontend", "tape_main",
          "tape_match", "tape_modes", "tape_parse", "tape_play", "tape_text"]
SIMULATION = ["books", "emulator_backend", "emulator_pooler", "emulator_presets", "simulate", "simulate_net",
              "simulate_own", "simulate_pool"]


def read_list(path):
    bugs = []
    for number, line in enumerate(open(path), 1):
        word, _, rest = line.rstrip("\n").partition(" ")
        if not word or word.startswith("#"):
            continue
        if word == "bug":
            bugs.append({"bug": rest, "in": "", "old": [], "new": [], "caught": []})
        elif word in ("file", "in"):
            bugs[-1][word] = rest
        elif word in ("-", "+"):
            bugs[-1]["old" if word == "-" else "new"].append(rest)
        elif word == "caught":
            kind, *names = rest.split()
            bugs[-1]["caught"] += [(kind, name) for name in names]
        else:
            sys.exit(f"{path}:{number}: {word}?")
    return bugs


def changed(root, bug):
    """The source with the bug in it; None if it has become another one since the list was written."""
    lines = open(os.path.join(root, bug["file"])).read().split("\n")
    start = next((i for i, line in enumerate(lines) if bug["in"] in line), None)
    if start is None:
        return None
    bare = [line.strip() for line in lines]
    n = len(bug["old"])
    places = [i for i in range(start, len(lines) - n + 1) if bare[i:i + n] == bug["old"]]
    if not places or (not bug["in"] and len(places) > 1):
        return None
    at = places[0]
    return "\n".join(lines[:at] + bug["new"] + lines[at + n:])


class Tests:
    def __init__(self, root, build, compiler, archives, libraries):
        self.root, self.build, self.compiler = root, build, compiler
        self.archives, self.libraries = archives, libraries
        self.folder = tempfile.TemporaryDirectory(prefix="tusk-planted-")
        self.objects = {}

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def run(self, command, seconds=None):
        return subprocess.run(command, capture_output=True, timeout=seconds, cwd=self.root)

    def compile(self, source, name, before=()):
        out = self.path(name + ".o")
        done = self.run([*self.compiler, *FLAGS, *before, "-I", self.root, "-I", self.root + "/include",
                         "-iquote", os.path.dirname(source), "-c", source, "-o", out])
        if done.returncode != 0:
            sys.exit(done.stderr.decode())
        return out

    def with_bug(self, bug, text):
        """The objects that hold the bug: the source's, or those of the sources that include the header."""
        copy = self.path("changed/" + bug["file"])
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        with open(copy, "w") as f:
            f.write(text)
        if bug["file"].endswith(".c"):
            objects = [self.compile(copy, "planted")]
        else:
            users = [u for folder in ("proto", "lib/session") for u in glob.glob(f"{self.root}/{folder}/*.c")
                     if f'#include "{bug["file"]}"' in open(u).read()]
            objects = [self.compile(u, "planted_" + os.path.basename(u), ["-I", self.path("changed")])
                       for u in users]
        os.remove(copy)
        return objects

    def objects_of(self, kind, name):
        """What a test's program consists of beside the library: compiled once."""
        sources = {"tape": ["tests/" + s for s in ENGINE],
                   "enumerate": ["tests/enumerate", "tests/tape_frontend", "tests/tape_text"],
                   "simulate": ["tests/" + s for s in SIMULATION],
                   "unit": ["tests/unit_" + name, "tests/tape_frontend", "tests/tape_text"] +
                           ["tests/pool_world"] * (name == "pool_shared"),
                   "fuzz": ["fuzz/fuzz_" + name, "fuzz/fuzz", "fuzz/standalone_main",
                            "tests/tape_frontend", "tests/tape_text"] +
                           ["fuzz/type_check"] * name.startswith("type_")}[kind]
        for source in sources:
            if source not in self.objects:
                self.objects[source] = self.compile(f"{self.root}/{source}.c",
                                                    source.replace("/", "_"))
        return [self.objects[source] for source in sources]

    def program(self, kind, name, first):
        out = self.path("program")
        taken = [f"-Wl,@{self.root}/tests/simulate.wrap"] if kind == "simulate" else []
        done = self.run([*self.compiler, "-o", out, *taken, *first, *self.objects_of(kind, name), "-Wl,--start-group",
                         *self.archives, "-Wl,--end-group", *self.libraries])
        if done.returncode != 0:
            sys.exit(done.stderr.decode())
        return out

    def passes(self, kind, name, first=()):
        arguments = {"tape": ["--quick", f"tests/wire/{name}.tape"], "enumerate": [name], "simulate": [name], "unit": [],
                     "fuzz": [f"fuzz/corpus/{name}"]}[kind]
        try:
            done = self.run([self.program(kind, name, first), *arguments], SECONDS)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0


def main():
    arguments, _, libraries = " ".join(sys.argv[1:]).partition(" -- ")
    root, build, *rest = arguments.split()
    archives = [a if os.path.isabs(a) else os.path.join(build, a) for a in rest if a.endswith(".a")]
    compiler = [word for word in rest if not word.endswith(".a")]
    tests = Tests(root, build, compiler, archives, libraries.split())
    bugs = [bug for bug in read_list(os.path.join(root, "tests/planted.list"))
            if os.environ.get("TUSK_PLANTED", "") in bug["bug"]]
    bad, caught = [], 0
    for kind, name in sorted({c for bug in bugs for c in bug["caught"]}):
        if not tests.passes(kind, name):
            bad.append(f"{kind} {name} fails without any bug")
    for bug in bugs:
        text = changed(root, bug)
        if text is None:
            bad.append(f"{bug['file']} has changed: where is \"{bug['old'][0]}\"?")
            continue
        with_bug = tests.with_bug(bug, text)
        print(f"{bug['bug']}: {', '.join(' '.join(c) for c in bug['caught'])}", flush=True)
        blind = [c for c in bug["caught"] if tests.passes(*c, with_bug)]
        bad += [f"{bug['bug']}: {kind} {name} did not notice" for kind, name in blind]
        caught += not blind
    for line in bad:
        print(line)
    print(f"planted bugs {len(bugs)}, caught {caught}")
    return 1 if bad or not bugs else 0


sys.exit(main())
