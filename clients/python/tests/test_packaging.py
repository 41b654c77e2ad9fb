"""The package as it is published: built, installed, imported, by every Python there is."""

from __future__ import annotations

import ast
import email
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import warnings
import zipfile

import pytest

PACKAGE = pathlib.Path(__file__).resolve().parents[1]
ROOT = PACKAGE.parents[1]
SOURCES = sorted((PACKAGE / "src" / "forebay").rglob("*.py"))
LICENSES = ("LICENSE-APACHE", "LICENSE-MIT")
#: Every version that the package says it runs on, oldest first.
PYTHONS = tuple(f"python3.{minor}" for minor in range(9, 15))
STEP_TIMEOUT_S = 120

#: What came with Python 3.10 and later, where a type checker that knows 3.10 and
#: later only would not see it: names, and the keyword arguments of calls.
NEWER_NAMES = {"anext", "aiter", "pairwise", "bit_count", "TaskGroup", "EllipsisType", "NoneType"}
NEWER_KEYWORDS = {("zip", "strict"), ("dataclass", "slots"), ("dataclass", "kw_only")}


def run(*command, **options):
    done = subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=STEP_TIMEOUT_S,
        check=False,
        **options,
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of the source distribution, and of the wheel that was made of it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, PACKAGE)
    return folder


@pytest.fixture(scope="module")
def wheel(built):
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The Python of a fresh environment that holds the wheel and nothing else."""
    folder = tmp_path_factory.mktemp("venv")
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / "bin" / "python"
    install = ("-m", "pip", "--disable-pip-version-check", "--python", python, "install")
    run(sys.executable, *install, "--no-deps", "--no-index", wheel)
    return python


def names_in(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_wheel_holds_the_package_its_types_and_licences_and_nothing_else(wheel):
    sources = {str(path.relative_to(PACKAGE / "src")) for path in SOURCES}
    kept, added = names_in(wheel), set()
    for name in kept - sources - {"forebay/py.typed"}:
        added.add(name.split("/", 1)[1])
        assert name.split("/")[0].endswith(".dist-info"), name
    assert sources | {"forebay/py.typed"} <= kept
    about = {"METADATA", "WHEEL", "RECORD", "entry_points.txt"}
    assert about | {f"licenses/{name}" for name in LICENSES} == added
    assert wheel.name.endswith("-py3-none-any.whl")


def test_licences_are_those_of_the_repository(wheel):
    with zipfile.ZipFile(wheel) as archive:
        for name in LICENSES:
            (inside,) = (each for each in archive.namelist() if each.endswith(f"licenses/{name}"))
            assert archive.read(inside) == (ROOT / name).read_bytes()


def test_source_distribution_holds_what_a_wheel_is_built_of(built):
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    sources = {str(path.relative_to(PACKAGE)) for path in SOURCES}
    other = {"src/forebay/py.typed", "README.md", "pyproject.toml", "PKG-INFO", *LICENSES}
    ignored = {name for name in names if name.endswith(".gitignore")}
    assert names - ignored == sources | other


def test_metadata(wheel):
    import forebay

    with zipfile.ZipFile(wheel) as archive:
        (inside,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        told = email.message_from_bytes(archive.read(inside))
    assert told["Name"] == "forebay"
    assert told["Version"] == forebay.__version__
    assert told["Requires-Python"] == ">=3.9"
    assert told["License-Expression"] == "Apache-2.0 OR MIT"
    assert told.get_all("License-File") == list(LICENSES)
    assert told.get_all("Requires-Dist") is None, "the package needs nothing beside Python"
    assert "Typing :: Typed" in told.get_all("Classifier")
    assert told.get_payload(decode=True).decode() == (PACKAGE / "README.md").read_text()


def test_installed_package_is_imported_module_by_module(installed):
    modules = [
        ".".join(path.relative_to(PACKAGE / "src").with_suffix("").parts).removesuffix(".__init__")
        for path in SOURCES
        # The one that SQLAlchemy imports, where there is one.
        if path.name != "sqlalchemy.py"
    ]
    program = (
        "import importlib, json, sys, warnings\n"
        "warnings.simplefilter('error')\n"
        "files = [importlib.import_module(name).__file__ for name in json.loads(sys.argv[1])]\n"
        "print(json.dumps(files))"
    )
    files = json.loads(run(installed, "-I", "-c", program, json.dumps(modules)))
    home = installed.parents[1]
    assert len(files) == len(modules)
    assert all(pathlib.Path(file).is_relative_to(home) for file in files), files


def test_import_loads_neither_asyncio_nor_tls(installed):
    """They cost more than all the rest: who does not use them does not wait for them."""
    program = (
        "import forebay, sys\n"
        "print([name for name in ('asyncio', 'ssl') if name in sys.modules])"
    )
    assert run(installed, "-I", "-c", program).strip() == "[]"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE / "src")))
def test_source_is_of_the_oldest_python(path):
    text = path.read_text()
    tree = ast.parse(text, feature_version=(3, 9))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            assert node.id not in NEWER_NAMES, f"{path}:{node.lineno}: {node.id} is not in 3.9"
        elif isinstance(node, ast.Attribute):
            assert node.attr not in NEWER_NAMES, f"{path}:{node.lineno}: {node.attr} is not in 3.9"
        elif isinstance(node, ast.Call):
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            for keyword in node.keywords:
                newer = (called, keyword.arg) in NEWER_KEYWORDS
                assert not newer, f"{path}:{node.lineno}: {called}({keyword.arg}=) is not in 3.9"
    if tree.body and any(isinstance(node, ast.AnnAssign | ast.FunctionDef) for node in tree.body):
        assert "from __future__ import annotations" in text, path


def find_python(name):
    """The interpreter of that name if there is one that runs; some are mere hints."""
    path = shutil.which(name)
    if path is None:
        return None
    probe = subprocess.run(
        [path, "-c", "import sys; print('python%d.%d' % sys.version_info[:2])"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=STEP_TIMEOUT_S,
        check=False,
    )
    return path if probe.returncode == 0 and probe.stdout.strip() == name else None


@pytest.mark.parametrize("name", PYTHONS)
def test_program_runs_on(name, wheel, service, tmp_path):
    path = find_python(name)
    if path is None:
        pytest.skip(f"no {name} here")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    program = PACKAGE / "tests" / "every_python.py"
    told = run(path, "-W", "error", program, str(service.port), env=environment)
    assert told.splitlines()[-1] == f"{name}: all well"


def test_some_other_python_was_there():
    """Says which were run: a warning of pytest's at the end, not a failure."""
    found = [name for name in PYTHONS if find_python(name)]
    warnings.warn(f"the package was run by: {', '.join(found)}", stacklevel=1)
    assert found
