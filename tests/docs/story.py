"""A page as a story: its marked blocks, run in their order by one shell in one folder."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.clients.client import clean_environment
from tests.docs.blocks import Block

__all__ = ["Story"]

_TIMEOUT = 300
_BLOCK = "@@ "
_PASSWORD = "swordfish"
_NOWHERE = "http://127.0.0.1:9"


@dataclass(slots=True)
class Story:
    """A folder with a home, programs and replacements, in which blocks are run.

    `story` runs commands, `story, serve` starts a server and waits until it is ready,
    `story, file PATH` writes the block to a file, and each line of an `output` block has to be in
    what the block before it printed. Whoever asks for a password gets `swordfish`.
    """

    folder: Path
    port: int
    replacements: Mapping[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """The home of the reader."""
        return self.folder / "home"

    @property
    def bin(self) -> Path:
        """Where the programs are that the reader has."""
        return self.folder / "bin"

    def install(self, programs: Iterable[Path]) -> None:
        """Put programs on the reader's path."""
        self.bin.mkdir(exist_ok=True)
        for program in programs:
            (self.bin / program.name).symlink_to(program)

    def told(self, text: str) -> str:
        """Return the text with the addresses and folders of this test."""
        text = re.sub(r"\b6543\b", str(self.port), text)
        for old, new in self.replacements.items():
            text = text.replace(old, new)
        return text

    def run(self, blocks: list[Block]) -> str:
        """Run the blocks; return what was printed. Raises AssertionError where one fails."""
        self.home.mkdir(exist_ok=True)
        script = self.folder / "story.sh"
        parts = [self._part(block) for block in blocks if block.how == "story"]
        script.write_text("set -euo pipefail\n" + "".join(parts))
        code, output = self._shell(script)
        seen = output.rpartition(_BLOCK)[2]

        assert code == 0, f"{blocks[0].page}:{seen}\n{self._log()}"
        self._compare(blocks, output)
        return output

    def _part(self, block: Block) -> str:
        text = self.told(block.text)
        say = f"echo '{_BLOCK}{block.line}'\n"
        verb, _, argument = block.detail.partition(" ")
        if verb == "file":
            path = self.told(argument)
            return f"{say}mkdir -p \"$(dirname {path})\"\ncat > {path} <<'END OF FILE'\n{text}END OF FILE\n"
        if verb == "serve":
            ready = f"curl --silent --fail --output /dev/null http://127.0.0.1:{self.port}/-/ready"
            wait = f"until {ready}; do kill -0 $!; sleep 0.1; done\n"
            return f"{say}{text.rstrip()} >>{self.folder}/server.log 2>&1 </dev/null &\n{wait}"
        assert not verb, f"{block}: {verb} is not a detail of a story"
        return f"{say}{text}"

    def _shell(self, script: Path) -> tuple[int, str]:
        base = Path(os.path.realpath(sys.executable)).parent
        environ = clean_environment(self.home, self.bin)
        environ["PATH"] = f"{self.folder}/env/bin:{self.bin}:{base}:{environ['PATH']}:/usr/sbin"
        # Whatever would leave this machine ends at a closed door, and quickly.
        environ |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), _NOWHERE)
        environ |= {"UV_PYTHON_DOWNLOADS": "never"}
        # Servers of the story follow the stand-in for PyPI, if the test has one.
        environ |= {name: value for name, value in os.environ.items() if name.startswith("PYPI_REPO_PYPI_")}
        # The page about clients writes a configuration of pip.
        del environ["PIP_CONFIG_FILE"]
        work = self.folder / "work"
        work.mkdir(exist_ok=True)
        process = subprocess.Popen(
            ["bash", str(script)],
            cwd=work,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(f"{_PASSWORD}\n" * 2, timeout=_TIMEOUT)
        finally:
            # The servers of the story are in its group.
            try:
                os.killpg(process.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
        return process.returncode, output

    def _log(self) -> str:
        log = self.folder / "server.log"
        return log.read_text(errors="replace")[-3000:] if log.exists() else ""

    def _compare(self, blocks: list[Block], output: str) -> None:
        printed = dict(part.partition("\n")[::2] for part in output.split(_BLOCK)[1:])
        last = ""
        for block in blocks:
            if block.how == "story":
                last = printed[str(block.line)]
            elif block.how == "output":
                missing = [line for line in self.told(block.text).splitlines() if line not in last]
                assert not missing, f"{block}: not printed: {missing}; but:\n{last}"
