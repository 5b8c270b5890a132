"""bandersnatch 6 as it comes, which asks for XML-RPC: what is ours, and then what has changed."""

from pyramid_pypi.testing.artefacts import make_wheel
from tests.live import post_file
from tests.services.test_as_upstream import PRIVATE, index, start, upstream

__all__ = ["index", "start", "upstream"]


def mirror(bandersnatch, master):
    """Run bandersnatch with its own choice of API; return what it printed and the files that it has."""
    folder = bandersnatch.cwd / "mirror"
    config = bandersnatch.cwd / "bandersnatch.conf"
    config.write_text(
        f"[mirror]\ndirectory = {folder}\nmaster = {master}\nworkers = 3\nallow-non-https = true\n"
    )
    # It takes the proxy of the environment for this machine too, whatever no_proxy says.
    direct = {name: "" for name in bandersnatch.environment if name.lower().endswith("_proxy")}
    output = bandersnatch("-c", config, "mirror", **direct)
    packages = folder / "web" / "packages"
    return output, {path.name: path.read_bytes() for path in packages.rglob("*") if path.is_file()}


def test_bandersnatch_mirrors_our_own_projects_and_then_what_has_changed(index, start):
    bandersnatch = start("bandersnatch")
    output, files = mirror(bandersnatch, index.url)

    assert "ERROR" not in output
    assert files.items() >= PRIVATE.items()
    assert not any(name.startswith("coconut") for name in files)

    name, content = "trojan_rabbit-1.0-py3-none-any.whl", make_wheel("trojan-rabbit", "1.0")
    assert post_file(index.at("/private/"), name, content) == (200, "")
    output, files = mirror(bandersnatch, index.url)

    assert "ERROR" not in output
    assert files[name] == content
