"""The contract's golden text: what it is now, and blessing a new one.

python -m tests.proof.abi                  print it
python -m tests.proof.abi --bless          write abi_golden.txt; the version must have changed
python -m tests.proof.abi --bless --unreleased
                                           the same while no release has this version
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.proof.header import INCLUDE

HERE = Path(__file__).parent
GOLDEN = HERE / "abi_golden.txt"
BLESS = (
    "Readers in other processes and languages depend on these bytes. If the change is meant, raise "
    "FH_VERSION_MAJOR (FH_VERSION_MINOR if only reserved bytes gained a meaning) in "
    "feedhandler_shm.h and run `python -m tests.proof.abi --bless`; while no release has this "
    "version, `--bless --unreleased`."
)


def text(include: Path = INCLUDE, *, cpp: bool = False) -> str:
    """Compile and run abi.c, as C11 or as C++17, against a header. Raises CalledProcessError."""
    language = ["c++", "-x", "c++", "-std=gnu++17"] if cpp else ["cc", "-std=gnu11"]
    with tempfile.TemporaryDirectory() as place:
        program = Path(place) / "abi"
        command = [*language, f"-I{include}", "-o", str(program), str(HERE / "abi.c")]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
        return subprocess.run(
            [str(program)], check=True, capture_output=True, text=True, timeout=60
        ).stdout


def version(of: str) -> str:
    """The first line: `version MAJOR.MINOR`."""
    return of.partition("\n")[0]


def compare(golden: str, now: str) -> str | None:
    """What is wrong, in words; None: nothing."""
    if golden == now:
        return None
    if version(golden) == version(now):
        return f"the contract changed but its {version(now)} did not. {BLESS}"
    return f"{version(now)} is not blessed yet, the golden text has {version(golden)}. {BLESS}"


def main(arguments: list[str]) -> int:
    now = text()
    if "--bless" not in arguments:
        print(now, end="")
        return 0
    golden = GOLDEN.read_text() if GOLDEN.exists() else ""
    if golden != now and version(golden) == version(now) and "--unreleased" not in arguments:
        print(f"refused: {compare(golden, now)}", file=sys.stderr)
        return 1
    GOLDEN.write_text(now)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
